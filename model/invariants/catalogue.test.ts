import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ALWAYS } from './catalogue.ts';
import type { Always } from './invariant.ts';

/** Every rule that a file of this folder exports: the file's name without suffix, the constant, the rule. */
async function rules(): Promise<readonly { readonly file: string; readonly name: string; readonly rule: Always }[]> {
  const names = readdirSync(new URL('./', import.meta.url)).filter((name) => /^[^.]+\.js$/.test(name));
  const modules = await Promise.all(
    names.map(async (name) => ({
      file: name.replace('.js', ''),
      exported: (await import(`./${name}`)) as Readonly<Record<string, unknown>>,
    })),
  );
  return modules.flatMap(({ file, exported }) =>
    Object.entries(exported).flatMap(([name, rule]) => (isAlways(rule) ? [{ file, name, rule }] : [])),
  );
}

function isAlways(value: unknown): value is Always {
  return typeof value === 'object' && value !== null && 'holds' in value && value.holds === 'always';
}

/** `pamt/not-freed-while-ready`: the constant PAMT_NOT_FREED_WHILE_READY of pamt.ts. */
function placeOf(id: string): { readonly file: string; readonly name: string } {
  return { file: id.slice(0, id.indexOf('/')), name: id.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_') };
}

describe('the catalogue', () => {
  test('has every rule that a family exports, and no other', async () => {
    const exported = (await rules()).map(({ rule }) => rule.id);
    expect(exported.length).toBeGreaterThan(100);
    expect([...exported].sort()).toEqual(ALWAYS.map(({ id }) => id).sort());
  });

  test('has each rule in the file of its family, as the constant that its id spells', async () => {
    const misplaced = (await rules()).flatMap(({ file, name, rule }) => {
      const place = placeOf(rule.id);
      return place.file === file && place.name === name
        ? []
        : [`${rule.id} is ${name} of ${file}.ts: make it ${place.name} of ${place.file}.ts`];
    });
    expect(misplaced).toEqual([]);
  });

  test('has each family in one piece', () => {
    const families = ALWAYS.map(({ id }) => placeOf(id).file);
    const beginnings = families.filter((family, index) => family !== families[index - 1]);
    expect(beginnings).toEqual([...new Set(families)]);
  });

  test('has a place for an id with any sign in it', () => {
    expect(placeOf('sw-error/class-ff-is-never-the-module-s')).toEqual({
      file: 'sw-error',
      name: 'SW_ERROR_CLASS_FF_IS_NEVER_THE_MODULE_S',
    });
  });
});
