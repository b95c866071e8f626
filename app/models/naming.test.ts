import { describe, expect, it } from 'vitest';
import { folderAddress, nameOfAddress, nameOfPicked } from './naming.ts';

const HUB = 'https://huggingface.co';

describe('naming', () => {
  it.each([
    [`${HUB}/Qwen/Qwen2.5-0.5B`, `${HUB}/Qwen/Qwen2.5-0.5B/resolve/main/`],
    [` ${HUB}/Qwen/Qwen2.5-0.5B/tree/v2 `, `${HUB}/Qwen/Qwen2.5-0.5B/resolve/v2/`],
    [`${HUB}/Qwen/Qwen2.5-0.5B/resolve/main/`, `${HUB}/Qwen/Qwen2.5-0.5B/resolve/main/`],
    ['https://models.test/a/b', 'https://models.test/a/b'],
    ['nonsense', 'nonsense'],
  ])('takes %j for the folder %j', (typed, folder) => {
    expect(folderAddress(typed)).toBe(folder);
  });

  it('calls a model by its address or its folder', () => {
    expect(nameOfAddress(`${HUB}/Qwen/Qwen2.5-0.5B/resolve/main/`)).toBe('Qwen/Qwen2.5-0.5B');
    expect(nameOfAddress('http://127.0.0.1:8000/my%20model/')).toBe('127.0.0.1:8000/my model');
    expect(nameOfAddress('https://models.test/%ff/')).toBe('models.test/%ff');
    expect(nameOfAddress('https://models.test')).toBe('models.test');
    expect(nameOfPicked(['qwen/config.json', 'qwen/model.safetensors'])).toBe('qwen');
    expect(nameOfPicked(['config.json'])).toBe('Picked files');
    expect(nameOfPicked([])).toBe('Picked files');
  });
});
