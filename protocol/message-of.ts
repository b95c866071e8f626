/**
 * The message of anything thrown: an Error's own message, else the value as text. Never empty. Browsers throw
 * some errors without a message (QuotaExceededError in Chromium), and none names the remedy there.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error) || 'no reason was given';
  if (error.name === 'QuotaExceededError')
    return 'The storage that the browser allows this page is full. Delete models here, or free disk space.';
  return error.message || `${error.name || 'Error'}, without a reason`;
}
