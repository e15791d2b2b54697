import type { AllocationKind } from '../../model/kernel/port.ts';

/** What the kernel calls to get an object, or what the object is. */
export const ALLOCATOR = {
  k: 'kmalloc',
  x: 'alloc_pages_exact',
  c: 'alloc_contig_pages',
  m: 'cpumask',
} as const satisfies Record<AllocationKind, string>;
