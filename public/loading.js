// Runs before the program itself. A network that changes while the page loads, as when a phone leaves its
// Wi-Fi, ends the request for a part of the program, and the page would stay empty. Not inline: the page's
// content policy allows no inline script.
(() => {
  const KEY = 'starling.reloads';
  /** Reloads without a person, one after the other. Then the page says what is wrong. */
  const MOST = 3;
  /** The network is not there again at once, in ms. */
  const PAUSE = 1000;
  let failed = false;

  /** How often this tab was reloaded, or null where its storage is blocked. */
  function reloads() {
    try {
      return Number(sessionStorage.getItem(KEY) ?? 0);
    } catch {
      return null;
    }
  }

  function say() {
    const root = document.getElementById('root');
    if (root === null) return;
    const button = document.createElement('button');
    button.textContent = 'Load again';
    button.addEventListener('click', () => location.reload());
    const words = document.createElement('p');
    words.textContent = 'A part of Starling did not load. Look at your network connection.';
    // The page's own styles belong to the program.
    words.style.margin = '1.5rem';
    button.style.cssText =
      'display: block; margin-top: 1rem; padding: 0.5rem 1rem; border: 1px solid; border-radius: 0.5rem';
    words.append(button);
    root.replaceChildren(words);
  }

  function onFailure() {
    if (failed) return;
    failed = true;
    const count = reloads();
    if (count === null || count >= MOST) {
      // The program is asked for before the page's body is read.
      if (document.getElementById('root') === null) addEventListener('DOMContentLoaded', say);
      else say();
      return;
    }
    sessionStorage.setItem(KEY, String(count + 1));
    setTimeout(() => location.reload(), PAUSE);
  }

  addEventListener(
    'error',
    ({ target }) => {
      if (target instanceof HTMLScriptElement && target.type === 'module') onFailure();
    },
    true,
  );
  addEventListener('load', () => {
    if (!failed && reloads() !== null) sessionStorage.removeItem(KEY);
  });
})();
