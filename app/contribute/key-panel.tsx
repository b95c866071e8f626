import { lazy, Suspense, useState } from 'react';
import { messageOf } from '../../protocol/message-of.ts';
import { Button } from '../ui/button.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { shortHex } from '../ui/format.ts';
import { saveFile } from '../ui/save-file.ts';
import { Empty, Section } from '../ui/section.tsx';
import { KeyBackupError, MAX_BACKUP, needsPassphrase } from '../volunteer/key-backup.ts';
import { isBusy } from '../volunteer/phase.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';
import { NewKeyForm, RestoreForm, SaveForm } from './key-forms.tsx';
import { useKeyFunds } from './use-key-funds.ts';

/** Amounts need the chain's code, which is large and of no use before there is a key. */
const KeyFundsFacts = lazy(() => import('./key-funds-facts.tsx'));

/** The form that is open below the buttons. */
type Opened =
  | { readonly kind: 'save' }
  | { readonly kind: 'restore'; readonly text: string }
  | { readonly kind: 'new' };

interface Message {
  readonly bad: boolean;
  readonly text: string;
}

/** The device key: its copy, what it holds, and another key in its place. */
export function KeyPanel() {
  const { keys } = useVolunteer();
  const device = useView((view) => view.device);
  const locked = useView((view) => isBusy(view.phase) || view.phase.kind === 'paused');
  const [opened, setOpened] = useState<Opened | null>(null);
  const [message, setMessage] = useState<Message | null>(null);
  const funds = useKeyFunds();

  /** Does something, closes the form, and says what came of it. A form stays open when it fails. */
  const attempt = async (work: () => Promise<string>) => {
    setMessage(null);
    try {
      const text = await work();
      setOpened(null);
      setMessage({ bad: false, text });
      funds.refresh();
    } catch (error) {
      setMessage({ bad: true, text: messageOf(error) });
    }
  };
  const open = (form: Opened) => {
    setMessage(null);
    setOpened(form);
  };
  const close = () => setOpened(null);

  const save = (passphrase: string) =>
    attempt(async () => {
      const text = await keys.backUp(passphrase);
      const name = `starling-key-${device === null ? 'device' : device.address.slice(2, 10)}.json`;
      saveFile(name, new Blob([text], { type: 'application/json' }));
      return `Saved ${name}. It opens with your passphrase only, which nobody can recover.`;
    });
  const restore = (text: string, passphrase: string | null) =>
    attempt(async () => {
      const { encrypted } = await keys.restore(text, passphrase);
      return encrypted
        ? 'Restored. This device goes by that key now.'
        : 'Restored. That file is not encrypted, as earlier versions saved it: save a new copy, and delete it.';
    });
  const choose = async (file: File | undefined) => {
    close();
    setMessage(null);
    if (file === undefined) return;
    try {
      if (file.size > MAX_BACKUP)
        throw new KeyBackupError(
          'That file is too large to be a key backup. Choose the .json file that Starling saved.',
        );
      const text = await file.text();
      if (needsPassphrase(text)) open({ kind: 'restore', text });
      else await restore(text, null);
    } catch (error) {
      setMessage({ bad: true, text: messageOf(error) });
    }
  };
  const renew = () =>
    attempt(async () => {
      await keys.rotate();
      return 'This device has a new key. Save a copy of it, and make your wallet its owner below.';
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
        <>
          <p className="text-note" data-testid="key-status">
            {device.backedUp ? (
              'A copy of this key was saved.'
            ) : (
              <strong className="font-semibold text-warn">Not backed up yet.</strong>
            )}{' '}
            <span className="whitespace-nowrap text-quiet">Device {shortHex(device.address)}.</span>
          </p>
          {device.encrypted ? null : (
            <p className="mt-1 text-note text-warn" data-testid="key-plain">
              This browser cannot keep the key encrypted here, as in some private windows. Leave little coin
              with it.
            </p>
          )}
          <Suspense fallback={null}>
            <KeyFundsFacts funds={funds} />
          </Suspense>
        </>
      )}
      <div className="mt-3 flex flex-wrap gap-2">
        {device === null ? null : (
          <Button
            look="small"
            data-testid="key-backup"
            aria-expanded={opened?.kind === 'save'}
            onClick={() => open({ kind: 'save' })}
          >
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
          onFiles={(files) => choose(files?.[0])}
        >
          Restore
        </FileButton>
        {device === null ? null : (
          <Button
            look="small"
            data-testid="key-new"
            disabled={locked}
            aria-expanded={opened?.kind === 'new'}
            onClick={() => open({ kind: 'new' })}
          >
            New key
          </Button>
        )}
      </div>
      {opened?.kind === 'save' ? <SaveForm onSave={save} onCancel={close} /> : null}
      {opened?.kind === 'restore' ? (
        <RestoreForm onRestore={(passphrase) => restore(opened.text, passphrase)} onCancel={close} />
      ) : null}
      {opened?.kind === 'new' ? <NewKeyForm funds={funds} onRenew={renew} onCancel={close} /> : null}
      <p
        role="status"
        className={`mt-2 text-note ${message?.bad === true ? 'text-bad' : ''}`}
        data-testid="key-message"
      >
        {message?.text}
      </p>
      <p className="mt-2 text-note text-quiet">
        Whoever has a copy and its passphrase can sign as this device and spend its coin. Support never asks
        for either.{locked ? ' Stop to exchange the key.' : ''}
      </p>
    </Section>
  );
}
