import { FileStack, FolderOpen } from 'lucide-react';
import { type DragEvent, useState } from 'react';
import { FileButton } from '../ui/file-button.tsx';
import { Section } from '../ui/section.tsx';
import { AddressForm } from './address-form.tsx';
import { Failure, useModels, useModelsController } from './models-context.tsx';
import { droppedFiles, filesOf } from './picked-files.ts';
import { StoredList } from './stored-list.tsx';

/** Where a model comes from: files of this device, an address, or an earlier download. */
export function ChoosePanel() {
  const looking = useModels((view) => view.looking);
  const chosen = useModels((view) => view.model?.name ?? null);
  return (
    <Section
      title="Choose a model"
      about="A folder in Hugging Face’s layout: config.json, tokenizer.json, and weights as safetensors in F32, BF16 or F16, in one file or in shards."
      testId="choose"
    >
      <div className="grid gap-x-10 gap-y-8 lg:grid-cols-2">
        <FilesChoice />
        <AddressForm />
      </div>
      <p role="status" className={looking === null ? 'sr-only' : 'mt-3 text-note text-quiet'}>
        {looking !== null ? `Looking at ${looking}…` : chosen !== null ? `${chosen} is open below.` : ''}
      </p>
      <Failure place="choose" />
      <StoredList />
    </Section>
  );
}

function FilesChoice() {
  const controller = useModelsController();
  const [over, setOver] = useState(false);
  const drag = (event: DragEvent, inside: boolean) => {
    event.preventDefault();
    setOver(inside);
  };
  return (
    <div>
      <h3 className="text-body font-medium">From this device</h3>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the buttons do the same by keyboard. */}
      <div
        className={`mt-2 rounded-xl border border-dashed px-4 py-6 text-center motion-safe:transition-colors ${over ? 'border-accent bg-accent-soft' : 'border-line-strong/60'}`}
        data-testid="drop"
        onDragOver={(event) => drag(event, true)}
        onDragLeave={(event) => drag(event, false)}
        onDrop={(event) => {
          drag(event, false);
          void controller.pick(droppedFiles(event.dataTransfer));
        }}
      >
        <div className="flex flex-wrap justify-center gap-2">
          <FileButton
            testId="model-folder"
            label="Folder of a model"
            folder
            onFiles={(list) => controller.pick(filesOf(list))}
          >
            <FolderOpen size={17} aria-hidden="true" />
            Choose a folder
          </FileButton>
          <FileButton
            testId="model-files"
            label="Files of a model"
            onFiles={(list) => controller.pick(filesOf(list))}
          >
            <FileStack size={17} aria-hidden="true" />
            Choose files
          </FileButton>
        </div>
        <p className="mt-3 text-note text-quiet text-pretty">
          Or drop them here. They are read where they lie: nothing is copied or sent.
        </p>
      </div>
    </div>
  );
}
