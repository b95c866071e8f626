// Runs before the first paint, so that a chosen theme never flashes the other one. Not inline: the page's
// content policy allows no inline script.
try {
  const chosen = localStorage.getItem('starling.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is blocked: follow the system.
}
