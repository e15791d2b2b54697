/** Kernel error numbers as they are returned: negative. Source: include/uapi/asm-generic/errno-base.h and errno.h. */
export const EPERM = -1;
export const ENOENT = -2;
export const EIO = -5;
export const ENXIO = -6;
export const E2BIG = -7;
export const EAGAIN = -11;
export const ENOMEM = -12;
export const EACCES = -13;
export const EFAULT = -14;
export const EBUSY = -16;
export const ENODEV = -19;
export const EINVAL = -22;
export const ENOSPC = -28;
export const ENOSYS = -38;
export const EOPNOTSUPP = -95;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'success'],
  [EPERM, 'EPERM'],
  [ENOENT, 'ENOENT'],
  [EIO, 'EIO'],
  [ENXIO, 'ENXIO'],
  [E2BIG, 'E2BIG'],
  [EAGAIN, 'EAGAIN'],
  [ENOMEM, 'ENOMEM'],
  [EACCES, 'EACCES'],
  [EFAULT, 'EFAULT'],
  [EBUSY, 'EBUSY'],
  [ENODEV, 'ENODEV'],
  [EINVAL, 'EINVAL'],
  [ENOSPC, 'ENOSPC'],
  [ENOSYS, 'ENOSYS'],
  [EOPNOTSUPP, 'EOPNOTSUPP'],
]);

/** `EIO` for -5; `errno 17` for what the kernels modelled here never return. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? `errno ${String(-errno)}`;
}
