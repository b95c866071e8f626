import { KeyRound, Upload } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../ui/button.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { shortHex } from '../ui/format.ts';
import { saveFile } from '../ui/save-file.ts';
import { Empty, Section } from '../ui/section.tsx';
import { isBusy } from '../volunteer/phase.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';

/** Saves a copy of the device key, and restores one. */
export function KeyPanel() {
  const volunteer = useVolunteer();
  const device = useView((view) => view.device);
  const locked = useView((view) => isBusy(view.phase) || view.phase.kind === 'paused');
  const [message, setMessage] = useState<{ readonly bad: boolean; readonly text: string } | null>(null);

  const attempt = async (work: () => Promise<string>) => {
    try {
      setMessage({ bad: false, text: await work() });
    } catch (error) {
      setMessage({ bad: true, text: error instanceof Error ? error.message : 'That did not work.' });
    }
  };
  const backUp = () =>
    attempt(async () => {
      const text = await volunteer.backUpKey();
      const name = `starling-key-${device === null ? 'device' : device.address.slice(2, 10)}.json`;
      saveFile(name, new Blob([text], { type: 'application/json' }));
      return `Saved ${name}. Keep it where only you can read it.`;
    });
  const restore = (file: File | undefined) =>
    attempt(async () => {
      if (file === undefined) return 'Nothing was chosen.';
      if (file.size > 10_000)
        throw new Error(
          'That file is too large to be a key backup. Choose the .json file that Starling saved.',
        );
      await volunteer.restoreKey(await file.text());
      return 'Restored. This device goes by that key now.';
    });

  return (
    <Section
      title="Your key"
      about="The key names this device and signs its work. Clearing this site’s data deletes it, so keep a copy."
    >
      {device === null ? (
        <Empty>
          The key is made on this device when you first contribute. You can also restore one that you saved.
        </Empty>
      ) : (
        <p className="text-note" data-testid="key-status">
          {device.backedUp ? (
            'A copy of this key was saved.'
          ) : (
            <strong className="font-semibold text-warn">Not backed up yet.</strong>
          )}{' '}
          <span className="text-quiet">Device {shortHex(device.address)}.</span>
        </p>
      )}
      <div className="mt-3 flex flex-wrap gap-2">
        {device === null ? null : (
          <Button look="small" data-testid="key-backup" onClick={backUp}>
            <KeyRound size={15} aria-hidden="true" />
            Save a copy
          </Button>
        )}
        <FileButton
          look="small"
          single
          disabled={locked}
          accept="application/json,.json"
          data-testid="key-restore"
          testId="key-file"
          label="Key backup file"
          onFiles={(files) => restore(files?.[0])}
        >
          <Upload size={15} aria-hidden="true" />
          Restore
        </FileButton>
      </div>
      <p className="mt-2 text-note text-quiet">
        The file is not encrypted: whoever has it can sign as this device. It holds no money. Support never
        asks for it.
        {locked ? ' Stop to restore another key.' : ''}
      </p>
      <p
        role="status"
        className={`text-note ${message?.bad === true ? 'text-bad' : ''}`}
        data-testid="key-message"
      >
        {message?.text}
      </p>
    </Section>
  );
}
