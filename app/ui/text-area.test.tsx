import { expect, it, vi } from 'vitest';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { TextArea } from './text-area.tsx';

it('is found by its label, and reports what is typed', async () => {
  const change = vi.fn();
  const { element, locator } = show(
    <TextArea label="Text to learn" testId="text" value="" rows={3} onChange={change} />,
  );
  await locator.getByLabelText('Text to learn').fill('birds');
  expect(change).toHaveBeenLastCalledWith('birds');
  await expectAccessible(element);
});
