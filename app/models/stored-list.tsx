import { Play, RotateCw, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { StoredModel } from '../../models/loading/library.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes, formatShare } from '../ui/format.ts';
import { HexText } from '../ui/section.tsx';
import { Failure, useModels, useModelsController } from './models-context.tsx';
import { nameOfStored } from './naming.ts';

const VERIFIED_BY = {
  caller: 'Every file has the SHA-256 that you gave.',
  server: 'The weights have the SHA-256 that their server named.',
  swarm: 'Every file has the SHA-256 that its swarm names.',
  nobody: 'Nobody vouched for these bytes. Compare the root with somebody who has the model.',
} as const;

/** The models that were downloaded to this device, whole or in part. */
export function StoredList() {
  const stored = useModels((view) => view.stored);
  return (
    <>
      <Failure place="stored" />
      {stored === null || stored.length === 0 ? null : (
        <div className="mt-8">
          <h3 className="text-body font-medium">
            Downloaded to this device{' '}
            <span className="figure text-note font-normal text-quiet">
              {formatBytes(stored.reduce((sum, { bytes }) => sum + bytes, 0))}
            </span>
          </h3>
          <ul className="mt-2 divide-y divide-line border-y border-line">
            {stored.map((model) => (
              <Stored key={model.id} model={model} />
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function Stored({ model }: { readonly model: StoredModel }) {
  const controller = useModelsController();
  const downloading = useModels((view) => view.download !== null);
  const used = useModels(({ model: open }) => open?.from.kind === 'stored' && open.from.id === model.id);
  const [sure, setSure] = useState(false);
  const { url, bytes, total, root, verifiedBy } = model;
  const name = nameOfStored(model);
  const remove = () => {
    if (sure) void controller.remove(model);
    setSure(!sure);
  };
  return (
    <li
      className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 py-3"
      data-testid="stored"
      data-url={url}
      data-whole={root !== null}
      data-bytes={bytes}
    >
      <div className="min-w-0 flex-1 basis-64">
        <p className="text-body font-medium" title={url ?? undefined}>
          {name}{' '}
          <span className="figure font-normal text-quiet">
            {formatBytes(bytes)}
            {root !== null || total === null
              ? ''
              : ` of ${formatBytes(total)}, ${formatShare(bytes / total)}`}
          </span>
        </p>
        <p className="text-note text-quiet text-pretty">
          {root === null ? (
            `Not all of it is here yet.${url === null ? ' Join its swarm to go on.' : ''}`
          ) : (
            <>
              Root <HexText value={root} testId="stored-root" />.{' '}
              {verifiedBy === null ? '' : VERIFIED_BY[verifiedBy]}
            </>
          )}
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        {root !== null ? (
          <Button
            look="small"
            data-testid="stored-use"
            aria-label={`${used ? 'In use:' : 'Use'} ${name}`}
            disabled={used}
            onClick={() => void controller.use(model)}
          >
            <Play size={15} aria-hidden="true" />
            {used ? 'In use' : 'Use'}
          </Button>
        ) : url === null ? null : (
          <Button
            look="small"
            data-testid="stored-resume"
            aria-label={`Go on downloading ${name}`}
            disabled={downloading}
            onClick={() => void controller.download(url)}
          >
            <RotateCw size={15} aria-hidden="true" />
            Go on
          </Button>
        )}
        <Button
          look="small"
          data-testid="stored-delete"
          aria-label={`${sure ? `Really delete ${formatBytes(bytes)}?` : 'Delete'} ${name}`}
          disabled={downloading}
          onClick={remove}
          onBlur={() => setSure(false)}
        >
          <Trash2 size={15} aria-hidden="true" />
          {sure ? `Really delete ${formatBytes(bytes)}?` : 'Delete'}
        </Button>
      </div>
    </li>
  );
}
