import type { StatusMeaning } from './meaning.ts';

const TDMR = 'the index of the TDMR (bits 7:0)';
const PAMT = `${TDMR}, the level of its PAMT (15:8; 0 4K, 1 2M, 2 1G)`;
const AREA = `${TDMR} and of the reserved area (15:8)`;
const NOT_RAM =
  'Keep memory outside the CMRs (CXL, persistent memory: the kmem driver) from becoming system RAM before TDX is initialised.';

/** Statuses about TDMRs, PAMTs and CMRs; TDH.SYS.CONFIG (0x2d) returns most of them. */
export const MEMORY_STATUSES = {
  TDX_INVALID_TDMR: {
    meaning: 'A TDMR has an invalid base or size.',
    details: TDMR,
    causes: ['Base or size is not a multiple of 1 GiB, the size is 0, or the range has KeyID bits.'],
    remedy: null,
  },
  TDX_NON_ORDERED_TDMR: {
    meaning: 'A TDMR begins below the end of the one before it.',
    details: TDMR,
    causes: ['TDMRs overlap, or are not in ascending order.'],
    remedy: null,
  },
  TDX_TDMR_OUTSIDE_CMRS: {
    meaning: 'A part of a TDMR that is not reserved is not convertible memory.',
    details: TDMR,
    causes: [
      "RAM outside the CMRs (hot-added memory, a CXL expander) is in the kernel's list of TDX memory.",
      'A range reaches over a gap between two CMRs; CMRs that touch count as one.',
    ],
    remedy: NOT_RAM,
  },
  TDX_TDMR_ALREADY_INITIALIZED: {
    meaning: 'TDH.SYS.TDMR.INIT has initialised this TDMR to its end already.',
    details: null,
    causes: ['The loop over the TDMR goes on after RDX has reached its end.'],
    remedy: 'None is needed, though Linux 6.8 to 7.3 take it for a failure (-EIO).',
  },
  TDX_INVALID_PAMT: {
    meaning: 'A PAMT has an invalid base or size.',
    details: PAMT,
    causes: ['It is not 4 KiB aligned, has KeyID bits, or is smaller than 16 bytes for each page of the TDMR.'],
    remedy: null,
  },
  TDX_PAMT_OUTSIDE_CMRS: {
    meaning: 'A PAMT lies outside convertible memory.',
    details: PAMT,
    causes: ['It was allocated from RAM outside the CMRs, such as a CXL memory expander that was onlined as RAM.'],
    remedy: NOT_RAM,
  },
  TDX_PAMT_OVERLAP: {
    meaning: 'A PAMT overlaps another PAMT, or memory of a TDMR that is not reserved.',
    details: `${PAMT}, the index of the TDMR that it collides with (23:16)`,
    causes: ['The TDMR has no reserved area for a PAMT that lies in it.'],
    remedy: null,
  },
  TDX_INVALID_RESERVED_IN_TDMR: {
    meaning: 'A reserved area is not 4 KiB aligned, or reaches beyond its TDMR.',
    details: AREA,
    causes: [],
    remedy: null,
  },
  TDX_NON_ORDERED_RESERVED_IN_TDMR: {
    meaning: 'A reserved area begins below the end of the one before it, or follows an empty one.',
    details: AREA,
    causes: ['Reserved areas overlap, are not in ascending order, or have an empty entry between them.'],
    remedy: null,
  },
  TDX_CMR_LIST_INVALID: {
    meaning: 'The list of CMRs that BIOS and MCHECK published is invalid.',
    details: null,
    causes: ['A CMR is not 4 KiB aligned, has KeyID bits, overlaps the one before, or lies below it.'],
    remedy: 'Update BIOS, and report the list to its vendor.',
  },
} as const satisfies Readonly<Record<string, StatusMeaning>>;
