/** The page's style sheet, so that components have their sizes and colours, and axe can judge contrast. */
import '../styles.css';
