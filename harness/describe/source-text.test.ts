import { expect, test } from '@jest/globals';
import { MAILS } from '../../model/sources.ts';
import { sourceLines } from './source-text.ts';

test('a source without a mail is a line of its own', () => {
  expect(sourceLines('tdx_enable(), Linux 6.12')).toEqual(['tdx_enable(), Linux 6.12']);
});

test('every mail with a Message-ID gets its address, once', () => {
  for (const { cite, id } of MAILS) {
    const [text, ...addresses] = sourceLines(`${cite} (why); ${cite}`);
    expect(text).toContain(cite);
    if (id !== null) expect(addresses).toContain(`https://lore.kernel.org/r/${id}`);
    expect(new Set(addresses).size).toBe(addresses.length);
  }
});

test('a patch is named with its series, and a patch alone gets the cover letter', () => {
  expect(sourceLines('v3 00/21, Kai Huang, 6 Apr 2022 (checked on every CPU)')[0]).toBe(
    'TDX host series v3 00/21, Kai Huang, 6 Apr 2022 (checked on every CPU)',
  );
  expect(sourceLines('build_tdx_memory(), v5 04/22')).toEqual([
    'build_tdx_memory(), TDX host series v5 04/22',
    'https://lore.kernel.org/r/cover.1655894131.git.kai.huang@intel.com',
  ]);
});

test('two authors of one thread count as two mails', () => {
  const [one, two] = ['Dave Hansen', 'Kai Huang'].map((author) => `v8 13/16, ${author}, 10 Jan 2023`);
  const ids = MAILS.filter(({ cite }) => cite === one || cite === two).map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(0);
  const [, ...addresses] = sourceLines('v8 13/16, Dave Hansen and Kai Huang, 10 Jan 2023');
  expect(addresses.sort()).toEqual(ids.map((id) => `https://lore.kernel.org/r/${id}`).sort());
});
