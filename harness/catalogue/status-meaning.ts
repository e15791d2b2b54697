import type { StatusName } from '../../model/abi/status.ts';
import type { StatusMeaning } from './meaning.ts';
import { GUEST_STATUSES } from './status-meaning-guest.ts';
import { PLATFORM_STATUSES } from './status-meaning-platform.ts';
import { SYSTEM_STATUSES } from './status-meaning-system.ts';

/** Every status of the ABI. Source: TDX Module ABI specification; causes in the field with their public address. */
export const STATUS_MEANING: Readonly<Record<StatusName, StatusMeaning>> = {
  ...SYSTEM_STATUSES,
  ...PLATFORM_STATUSES,
  ...GUEST_STATUSES,
};
