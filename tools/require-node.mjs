// Runs before anything else, on whatever Node there is: no syntax and no import younger than ES modules.
const OLDEST = [20, 19];

/** Ends the process with one clear sentence when this Node is too old for the project's packages. */
export function requireNode() {
  const parts = process.versions.node.split('.');
  const major = Number(parts[0]);
  const minor = Number(parts[1]);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  console.error(
    'Starling needs Node ' +
      OLDEST.join('.') +
      ' or newer; this is ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\nInstall a newer one from https://nodejs.org or with your package manager, then run the command again.',
  );
  process.exit(1);
}
