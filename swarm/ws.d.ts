/** The one thing that is used of the package, whose WebSocket has the interface of browsers. */
declare module 'ws' {
  export const WebSocket: typeof globalThis.WebSocket;
}
