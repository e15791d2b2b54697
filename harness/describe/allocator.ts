import type { AllocationKind } from '../../model/kernel/port.ts';

/** The function with which the kernel allocates an object, or the kind of object. */
export const ALLOCATOR = {
  k: 'kmalloc',
  x: 'alloc_pages_exact',
  c: 'alloc_contig_pages',
  m: 'cpumask',
} as const satisfies Record<AllocationKind, string>;
