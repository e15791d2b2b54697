import type { U64 } from '../abi/u64.ts';
import type { MessageId } from './message.ts';
import type { KernelPort } from './port.ts';
import type { KernelState } from './state.ts';

/** Records a line of dmesg; it is rendered only when somebody looks. */
export function printk(kernel: KernelState, port: KernelPort, id: MessageId, a: U64 = 0, b: U64 = 0, c: U64 = 0): void {
  const message = { id, a, b, c };
  kernel.dmesg.push(message);
  port.printk(message);
}
