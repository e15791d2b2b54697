import type { Always } from './invariant.ts';
import { isUndisturbed, offence } from './look.ts';

/** KeyIDs: the range the host believes in, and which of them it uses. */

export const THE_KEYID_RANGE_IS_SANE: Always = {
  holds: 'always',
  id: 'keyid/range',
  statement: 'The private KeyID range does not wrap, excludes KeyID 0 and fits the KeyID bits of the machine.',
  source: 'record_keyid_partitioning(), Linux 6.12 (low half + 1, taken verbatim); v3 checked it on every CPU',
  after: ['boot'],
  check: (world, _, report) => {
    const { keyidStart, keyidCount, platformEnabled } = world.kernel;
    if (!platformEnabled) return;
    if (keyidStart === 0)
      report(offence('zero', `the range [${keyidStart}, ${keyidStart + keyidCount}) begins with KeyID 0`));
    else if (keyidStart + keyidCount > 2 ** 32)
      report(offence('wraps', `the range of ${keyidCount} KeyIDs from ${keyidStart} wraps`));
    else if (keyidStart + keyidCount > 2 ** world.hardware.keyidBits)
      report(
        offence(
          'bits',
          `the range [${keyidStart}, ${keyidStart + keyidCount}) does not fit ${world.hardware.keyidBits} KeyID bits`,
        ),
      );
  },
};

export const TDX_NEEDS_TWO_KEYIDS: Always = {
  holds: 'always',
  id: 'keyid/at-least-two',
  statement: 'TDX is offered only with at least two private KeyIDs: one for the module, one for a guest.',
  source: 'tdx_init(), Linux 6.12',
  after: ['boot'],
  check: (world, _, report) => {
    if (world.kernel.platformEnabled && world.kernel.keyidCount < 2)
      report(offence('count', `TDX is offered with ${world.kernel.keyidCount} private KeyIDs`));
  },
};

export const THE_GLOBAL_KEYID_IS_PRIVATE: Always = {
  holds: 'always',
  id: 'keyid/global-is-private',
  statement: "The global KeyID is in the module's private range and is the one the kernel chose.",
  source: 'tdx_init(), Linux 6.12; tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['is-initialised'],
  check: (world, record, report) => {
    if (record.statusAfter !== 'initialised' || !isUndisturbed(world)) return;
    const { globalKeyID, keyidFirst, keyidLast } = world.module;
    if (globalKeyID !== world.kernel.globalKeyid || globalKeyID < keyidFirst || globalKeyID > keyidLast)
      report(
        offence(
          'initialised',
          `global KeyID ${globalKeyID}, the kernel's ${world.kernel.globalKeyid}, private [${keyidFirst}, ${keyidLast}]`,
        ),
      );
  },
};
