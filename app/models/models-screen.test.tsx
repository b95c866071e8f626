import { Suspense } from 'react';
import { describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessibleOnPhoneToo } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { OpenModelsContext } from './models-context.tsx';
import ModelsScreen from './models-screen.tsx';
import { MODEL_SCENES, type ModelScene, simulatedModels } from './testing/simulated-models.ts';

async function shown(scene: ModelScene) {
  const controller = Promise.resolve(simulatedModels(scene));
  const { element, locator } = show(
    <OpenModelsContext value={{ open: () => controller }}>
      <Suspense fallback="Loading…">
        <ModelsScreen engine="auto" />
      </Suspense>
    </OpenModelsContext>,
  );
  await expect.element(locator.getByRole('heading', { level: 1 })).toBeVisible();
  return { element, locator, button: (text: string) => locator.getByRole('button', { name: text }) };
}

describe('ModelsScreen', () => {
  it.each(MODEL_SCENES)(
    'breaks no rule of accessibility in the scene "%s", and fits a phone',
    async (scene) => {
      const { element } = await shown(scene);
      await expectAccessibleOnPhoneToo(element);
    },
  );

  it('offers files and an address where there is no model yet', async () => {
    const { locator, button } = await shown('models-empty');
    await expect.element(button('Choose a folder')).toBeEnabled();
    await expect.element(button('Download')).toBeDisabled();
    await locator.getByLabelText('From an address').fill('https://models.test/a/');
    await expect.element(button('Download')).toBeEnabled();
    expect(locator.getByTestId('model').elements()).toEqual([]);
  });

  it('shows how far a download is, and lets it be cancelled', async () => {
    const { locator, button } = await shown('models-downloading');
    const download = locator.getByTestId('download');
    await expect.element(download).toHaveTextContent('412 MB of 1 GB');
    await expect.element(locator.getByRole('progressbar', { name: /^Download of/ })).toBeVisible();
    await expect.element(button('Cancel')).toBeEnabled();
  });

  it('loads a model that fits, and only such a one', async () => {
    const fits = await shown('models-chosen');
    await expect.element(fits.locator.getByTestId('fit')).toHaveAttribute('data-level', 'good');
    await expect.element(fits.button('Load it')).toBeEnabled();

    const large = await shown('models-too-large');
    await expect.element(large.locator.getByTestId('fit')).toHaveAttribute('data-level', 'stop');
    await expect.element(large.button('Load it')).toBeDisabled();
    await expect.element(large.locator.getByTestId('fit')).toHaveTextContent('Take a smaller model');
  });

  it('shows how far the loading is', async () => {
    const { locator } = await shown('models-loading');
    await expect.element(locator.getByText('118 of 290 tensors')).toBeVisible();
  });

  it('streams an answer that can be stopped', async () => {
    const { locator, button } = await shown('models-answering');
    await expect.element(locator.getByTestId('answer')).toHaveAttribute('data-state', 'running');
    await expect.element(locator.getByTestId('answer-text')).toHaveTextContent('A murmuration');
    await expect.element(button('Stop')).toBeEnabled();
  });

  it('shows the losses of a training that can be paused', async () => {
    const { locator, button } = await shown('models-learning');
    await expect.element(locator.getByTestId('train-status')).toHaveTextContent('Step 31 of 40');
    await expect.element(locator.getByTestId('loss-chart')).toBeVisible();
    await button('Pause').click();
    await expect.element(locator.getByTestId('train-status')).toHaveTextContent('Pausing after this step…');
  });

  it('asks before it drops an adapter that was not saved', async () => {
    const { locator, button } = await shown('models-taught');
    await expect.element(locator.getByTestId('adapter')).toHaveTextContent('Closing the tab loses it');
    await locator.getByLabelText('Text to learn').fill('Starlings turn together.');
    await button('Start again').click();
    await expect.element(button('Really drop 40 steps?')).toBeVisible();
    await userEvent.tab();
    await expect.element(button('Start again')).toBeVisible();
  });

  it('says why a model cannot be used', async () => {
    const { locator } = await shown('models-failed');
    await expect.element(locator.getByTestId('failure-choose')).toHaveTextContent('model_type must be');
  });
});
