import type { StatusName } from '../../model/abi/status.ts';
import type { StatusMeaning } from './meaning.ts';
import { GENERAL_STATUSES } from './status-meaning-general.ts';
import { GUEST_STATUSES } from './status-meaning-guest.ts';
import { MEMORY_STATUSES } from './status-meaning-memory.ts';
import { PLATFORM_STATUSES } from './status-meaning-platform.ts';
import { SYSTEM_STATUSES } from './status-meaning-system.ts';
import { TD_STATUSES } from './status-meaning-td.ts';

/**
 * Every status of the ABI. Source: TDX Module ABI specification (names), recording module-1.5.01 and model/module (details
 * and causes by rule); causes from the field have their public address. "(inferred)": no recording shows it.
 */
export const STATUS_MEANING: Readonly<Record<StatusName, StatusMeaning>> = {
  ...GENERAL_STATUSES,
  ...SYSTEM_STATUSES,
  ...MEMORY_STATUSES,
  ...PLATFORM_STATUSES,
  ...TD_STATUSES,
  ...GUEST_STATUSES,
};
