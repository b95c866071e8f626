import { Download, X } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { formatBytes, formatShare, formatWait } from '../ui/format.ts';
import { Disclosure } from '../ui/section.tsx';
import { useNow } from '../ui/use-now.ts';
import { Failure, useModels, useModelsController } from './models-context.tsx';
import type { DownloadView } from './models-view.ts';
import { nameOfAddress } from './naming.ts';
import { rateOf, secondsLeft } from './pace.ts';

const BOX = 'w-full rounded-lg border border-line-strong/60 bg-raised px-3 py-2';

/** Downloads a model from an address into this browser's storage. */
export function AddressForm() {
  const controller = useModelsController();
  const download = useModels((view) => view.download);
  const [address, setAddress] = useState('');
  const [hashes, setHashes] = useState('');
  const [url, list] = [useId(), useId()];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (address.trim() !== '') void controller.download(address, hashes.trim() === '' ? null : hashes);
  };
  return (
    <form onSubmit={submit}>
      <label htmlFor={url} className="text-body font-medium">
        From an address
      </label>
      <div className="mt-2 flex flex-wrap gap-2">
        <input
          id={url}
          type="url"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          placeholder="https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct"
          data-testid="model-url"
          value={address}
          disabled={download !== null}
          onChange={(event) => setAddress(event.target.value)}
          className={`${BOX} min-h-11 min-w-0 flex-1 basis-56 text-body placeholder:text-quiet disabled:opacity-60`}
        />
        <Button
          type="submit"
          data-testid="model-download"
          disabled={download !== null || address.trim() === ''}
        >
          <Download size={17} aria-hidden="true" />
          Download
        </Button>
      </div>
      <p className="mt-2 text-note text-quiet text-pretty">
        https, or http to this machine. The files go into this browser’s own storage, and a download that was
        cut off goes on where it ended.
      </p>
      <Disclosure summary={<>Check against SHA-256 hashes</>}>
        <label htmlFor={list} className="text-quiet">
          What <code>sha256sum *</code> printed for the files. Others are then refused.
        </label>
        <textarea
          id={list}
          data-testid="model-hashes"
          value={hashes}
          rows={3}
          spellCheck={false}
          disabled={download !== null}
          onChange={(event) => setHashes(event.target.value)}
          className={`${BOX} mt-1 font-mono text-note`}
        />
      </Disclosure>
      {download === null ? null : <Progress download={download} />}
      <Failure place="download" />
    </form>
  );
}

function Progress({ download }: { readonly download: DownloadView }) {
  const controller = useModelsController();
  const { url, file, bytes, total, pace } = download;
  const now = useNow(500, true);
  const rate = rateOf(pace, now);
  const left = secondsLeft(pace, total, now);
  return (
    <div
      className="mt-3 rounded-xl bg-sunken px-4 py-3"
      data-testid="download"
      data-bytes={bytes}
      data-total={total ?? ''}
    >
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <p className="min-w-0 text-note font-medium">{nameOfAddress(url)}</p>
        <p className="figure text-note text-quiet">{total === null ? '' : formatShare(bytes / total)}</p>
      </div>
      <progress
        className="start-progress mt-2 !w-full"
        aria-label={`Download of ${nameOfAddress(url)}`}
        value={total === null ? undefined : bytes}
        max={total ?? undefined}
      />
      <div className="mt-2 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <p className="figure text-note text-quiet">
          {formatBytes(bytes)}
          {total === null ? '' : ` of ${formatBytes(total)}`}
          {rate === null ? '' : rate === 0 ? ', waiting for the server' : `, ${formatBytes(rate)}/s`}
          {left === null ? '' : `, about ${formatWait(left * 1000)} left`}
          <span className="block">{file === '' ? 'Asking the server…' : file}</span>
        </p>
        <Button look="small" data-testid="download-cancel" onClick={() => controller.cancel('download')}>
          <X size={15} aria-hidden="true" />
          Cancel
        </Button>
      </div>
    </div>
  );
}
