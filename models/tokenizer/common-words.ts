/**
 * The whole words of the micro model's vocabulary: those that the catalogue's tasks use often, and some that
 * tasks of other people may. Each is written as it stands in a text, mostly after a space.
 */

const BEGINNINGS = [
  'The',
  'What',
  'How',
  'Spell',
  'Sort',
  'Solve',
  'Today',
  'Who',
  'Which',
  'Is',
  'If',
  'Write',
];

const AFTER_SPACE = [
  ...['The', 'Then', 'What', 'How', 'Which', 'Who', 'Is', 'If', 'So', 'It', 'Yes', 'No'],
  ...[
    'the',
    'an',
    'is',
    'are',
    'was',
    'has',
    'have',
    'does',
    'do',
    'be',
    'in',
    'on',
    'at',
    'of',
    'to',
    'for',
  ],
  ...['from', 'with', 'each', 'and', 'or', 'not', 'then', 'than', 'it', 'this', 'that', 'these', 'all', 'by'],
  ...['answer', 'right', 'wrong', 'true', 'false', 'yes', 'no', 'many', 'much', 'more', 'less', 'left'],
  ...['number', 'numbers', 'letter', 'letters', 'word', 'words', 'list', 'row', 'sum', 'mod', 'times'],
  ...['first', 'last', 'next', 'second', 'before', 'after', 'comes', 'step', 'backward', 'order'],
  ...['low', 'high', 'lowest', 'highest', 'larger', 'largest', 'smaller', 'smallest', 'even', 'odd'],
  ...['greatest', 'least', 'common', 'divisor', 'multiple', 'half', 'double', 'base', 'binary', 'x'],
  ...['day', 'days', 'week', 'year', 'month', 'ago', 'time', 'hour', 'hours', 'minutes', 'clock', 'later'],
  ...['gets', 'finds', 'buys', 'gives', 'away', 'sells', 'loses', 'boxes', 'says', 'knight', 'knave'],
  ...['apples', 'books', 'cards', 'coins', 'eggs', 'pens'],
  ...[
    'bird',
    'boat',
    'book',
    'card',
    'cat',
    'coin',
    'cup',
    'dog',
    'door',
    'egg',
    'fish',
    'hat',
    'hill',
    'key',
  ],
  ...['lamp', 'leaf', 'moon', 'pen', 'rain', 'ring', 'road', 'ship', 'star'],
].map((word) => ` ${word}`);

/** With a space and without one. */
const EVERYWHERE = [
  ...['Ann', 'Ben', 'Cal', 'Dora', 'Eva', 'Finn', 'Gus', 'Hana'],
  ...['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September'],
  ...['October', 'November', 'December'],
].flatMap((word) => [word, ` ${word}`]);

/** In the order of the token ids. */
export const COMMON_WORDS: readonly string[] = [
  ...new Set([...BEGINNINGS, ...AFTER_SPACE.filter((word) => word.length > 2), ...EVERYWHERE]),
];
