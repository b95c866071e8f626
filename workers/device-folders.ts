/** Where a device's files lie in the browser's private file system. */
import { folderName } from '../models/storage/directory.ts';
import type { CheckpointOwner } from './compute-api.ts';

/** The folder of a device in a network: its last checkpoints. Throws StorageError for an odd network id. */
export function deviceFolder({ device, networkId }: CheckpointOwner): readonly string[] {
  return ['starling', device.toLowerCase(), folderName(networkId ?? 'run')];
}

/** The folder of the checkpoints that the device keeps for others. Throws as `deviceFolder`. */
export function keptFolder(owner: CheckpointOwner): readonly string[] {
  return [...deviceFolder(owner), 'kept'];
}
