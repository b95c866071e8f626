/** Bytes of a named file, from `begin` on, to `end` exclusive. */
export interface FilePart {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}
