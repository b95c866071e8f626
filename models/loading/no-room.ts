import { ModelLoadError } from './model-source.ts';

/** The error of a model that lacks `missing` bytes on a device that can store `room` more. */
export function noRoom(missing: number, room: number): ModelLoadError {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  return new ModelLoadError(
    `This model needs ${gigabytes(missing)} more, and the browser gives this page ${gigabytes(room)}; free disk space, or delete a model that is here`,
  );
}
