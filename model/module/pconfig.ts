import { OPERAND } from '../abi/operand-id.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { Conditions } from './conditions.ts';
import { type Death, death, type Refusal, refusal } from './outcome.ts';

const KEY_TABLE_BUSY = refusal(withDetails(STATUS.TDX_OPERAND_BUSY, OPERAND.KET), 'PCONFIG: key table busy');
const NO_ENTROPY = refusal(STATUS.TDX_KEY_GENERATION_FAILED, 'PCONFIG: no entropy');
const FAILED = death('PCONFIG failed unexpectedly');

/** PCONFIG, which programs a key on the calling LP's package: `null` where it succeeds. */
export function programKey(conditions: Conditions): Refusal | Death | null {
  switch (conditions.pconfig) {
    case 'ok':
      return null;
    case 'busy':
      return KEY_TABLE_BUSY;
    case 'no-entropy':
      return NO_ENTROPY;
    case 'other-error':
      return FAILED;
  }
}
