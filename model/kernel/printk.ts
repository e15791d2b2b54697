import type { U64 } from '../abi/u64.ts';
import { isPrintedOnce, type MessageId } from './message.ts';
import type { KernelPort } from './port.ts';
import type { KernelState } from './state.ts';

/** Records a line of dmesg; it is rendered on demand. */
export function printk(
  kernel: KernelState,
  port: KernelPort,
  id: MessageId,
  a: U64 = 0,
  b: U64 = 0,
  c: U64 = 0,
  d: U64 = 0,
  e: U64 = 0,
  f: U64 = 0,
): void {
  if (isPrintedOnce(id)) {
    if (kernel.printedOnce.includes(id)) return;
    kernel.printedOnce.push(id);
  }
  const message = { id, a, b, c, d, e, f };
  kernel.dmesg.push(message);
  port.printk(message);
}
