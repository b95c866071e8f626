import { useId, useState } from 'react';
import type { BaseModel } from '../../protocol/swarm-spec.ts';
import { isLarge, isSmall } from '../../swarm/content/member-files.ts';
import { filesOf } from '../models/picked-files.ts';
import { Button } from '../ui/button.tsx';
import { CheckBox } from '../ui/check-box.tsx';
import { Field } from '../ui/field.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { formatBytes } from '../ui/format.ts';
import { HexText } from '../ui/section.tsx';
import { Select } from '../ui/select.tsx';
import { sentenceOf } from '../ui/sentence-of.ts';
import { type SwarmDraft, withBase } from './swarm-draft.ts';
import type { BaseFrom, FilesBase, SwarmsPort } from './swarms-port.ts';

interface StartModelProps {
  readonly swarms: SwarmsPort;
  readonly builtins: readonly Extract<BaseModel, { kind: 'builtin' }>[];
  readonly draft: SwarmDraft;
  readonly onChange: (draft: SwarmDraft) => void;
}

type Reading =
  | { readonly kind: 'no' }
  | { readonly kind: 'busy'; readonly done: number; readonly total: number | null; stop(): void }
  | { readonly kind: 'failed'; readonly cause: string };

/** Whether members pass on every file. */
function passedOn({ files }: FilesBase): boolean {
  return files.every((file) => isSmall(file) || isLarge(file));
}

/** The model to start from, and what of it is trained. */
export function StartModel({ swarms, builtins, draft, onChange }: StartModelProps) {
  const [place, setPlace] = useState('nano');
  const [url, setUrl] = useState('');
  const [reading, setReading] = useState<Reading>({ kind: 'no' });
  const [where, what] = [useId(), useId()];
  const { base } = draft;

  const choose = (value: string) => {
    setPlace(value);
    setReading({ kind: 'no' });
    const builtin = builtins.find(({ name }) => name === value);
    onChange(builtin === undefined ? { ...draft, base: null } : withBase(draft, builtin));
  };
  const describe = async (from: BaseFrom) => {
    const abort = new AbortController();
    const stop = () => abort.abort();
    setReading({ kind: 'busy', done: 0, total: null, stop });
    try {
      const described = await swarms.describeBase(from, {
        // Progress travels apart from the result, and may come after it.
        onProgress: (done, total) =>
          setReading((now) => (now.kind === 'busy' ? { ...now, done, total } : now)),
        signal: abort.signal,
      });
      onChange(withBase(draft, described));
      setReading({ kind: 'no' });
    } catch (error) {
      setReading(abort.signal.aborted ? { kind: 'no' } : { kind: 'failed', cause: sentenceOf(error) });
    }
  };

  return (
    <div className="space-y-4">
      <div className="grid gap-x-6 gap-y-4 sm:grid-cols-2">
        <div>
          <label htmlFor={where} className="text-note font-medium">
            Start from
          </label>
          <Select
            id={where}
            testId="start-base"
            value={place}
            className="mt-1 block min-h-11 w-full text-body"
            options={[
              ...builtins.map(({ name }) => ({ value: name, text: `${name}, which comes with this page` })),
              { value: 'address', text: 'A model at an address, such as Hugging Face' },
              { value: 'folder', text: 'A folder on this device' },
            ]}
            onChange={choose}
          />
        </div>
        <div>
          <label htmlFor={what} className="text-note font-medium">
            Train
          </label>
          <Select
            id={what}
            testId="start-trained"
            value={draft.trained}
            className="mt-1 block min-h-11 w-full text-body"
            options={[
              { value: 'full', text: 'All weights: best for small models' },
              { value: 'adapters', text: 'Adapters beside frozen weights: fits a large model' },
            ]}
            onChange={(trained) => onChange({ ...draft, trained })}
          />
        </div>
      </div>
      {place === 'address' ? (
        <div className="flex flex-wrap items-end gap-3">
          <div className="min-w-0 flex-1 basis-72">
            <Field
              kind="text"
              label="Address of the model"
              value={url}
              testId="start-url"
              about="Such as https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct. It is fetched once, to name its files by their hashes."
              onChange={setUrl}
            />
          </div>
          <Button
            look="small"
            data-testid="start-describe"
            disabled={url.trim() === '' || reading.kind === 'busy'}
            onClick={() => void describe({ kind: 'address', url: url.trim() })}
          >
            Read it
          </Button>
        </div>
      ) : null}
      {place === 'folder' ? (
        <FileButton
          look="small"
          testId="start-folder"
          label="Folder of the model"
          folder
          disabled={reading.kind === 'busy'}
          onFiles={(list) => {
            const files = filesOf(list).map(({ file, path }) => ({ name: file.name, path, blob: file }));
            const [name = 'model'] = (files[0]?.path ?? '').split('/');
            if (files.length > 0) void describe({ kind: 'folder', name, files });
          }}
        >
          Choose a folder
        </FileButton>
      ) : null}
      {draft.trained === 'adapters' ? (
        <div className="grid gap-x-6 gap-y-4 sm:grid-cols-2">
          <Field
            label="Rank"
            value={draft.rank}
            testId="start-rank"
            about="Width of the adapters. More learn more, and cost memory."
            onChange={(rank) => onChange({ ...draft, rank })}
          />
          <Field
            label="Alpha"
            value={draft.alpha}
            testId="start-alpha"
            about="How strongly they count. Usually twice the rank."
            onChange={(alpha) => onChange({ ...draft, alpha })}
          />
        </div>
      ) : null}
      <CheckBox
        testId="start-any"
        checked={draft.anyModel}
        onChange={(anyModel) => onChange({ ...draft, anyModel })}
      >
        Members may bring other models. Only texts and rewards travel between them.
      </CheckBox>
      {reading.kind === 'busy' ? (
        <p className="flex flex-wrap items-center gap-3 text-note text-quiet" role="status">
          Reading the model: {formatBytes(reading.done)}
          {reading.total === null ? '' : ` of ${formatBytes(reading.total)}`}
          <Button look="text" onClick={() => reading.stop()}>
            Stop
          </Button>
        </p>
      ) : null}
      {reading.kind === 'failed' ? (
        <p className="text-note text-bad" role="status" data-testid="start-base-failure">
          {reading.cause}
        </p>
      ) : null}
      {base?.kind === 'files' ? (
        <p className="text-note text-quiet" data-testid="start-base-known">
          {base.name}, {base.files.length} files, root <HexText value={base.root} />.{' '}
          {base.files.some(({ urls }) => urls.length > 0)
            ? 'Members fetch it from its address.'
            : passedOn(base)
              ? 'Its files have no address: members get them from one another, and first from this device.'
              : 'Its files have no address and are too large to pass on, so members need the same folder.'}
        </p>
      ) : null}
    </div>
  );
}
