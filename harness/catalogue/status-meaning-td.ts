import { meaning, type StatusMeaning } from './meaning.ts';

/** Statuses about the life of a TD and its vCPUs, and about keys and caches. */
export const TD_STATUSES = {
  TDX_NON_RECOVERABLE_VCPU: meaning('The vCPU has met an error that it cannot recover from.'),
  TDX_NON_RECOVERABLE_TD: meaning('The TD has met an error that it cannot recover from.'),
  TDX_NON_RECOVERABLE_TD_NON_ACCESSIBLE: meaning('The TD cannot recover, and is not accessible.'),
  TDX_NON_RECOVERABLE_TD_WRONG_APIC_MODE: meaning('The TD cannot recover: its APIC mode is wrong.'),
  TDX_NON_RECOVERABLE_TD_CORRUPTED_MD: meaning('The TD cannot recover: its metadata is corrupted.'),
  TDX_TD_ASSOCIATED_PAGES_EXIST: {
    meaning: 'The TDR cannot be reclaimed while other pages belong to its TD.',
    details: null,
    causes: ['Control pages of the TD have not been reclaimed yet: the TDR comes last.'],
    remedy: 'Run TDH.PHYMEM.PAGE.RECLAIM on the other pages of the TD first.',
  },
  TDX_TD_FATAL: meaning('The TD is in a fatal state.'),
  TDX_TD_NON_DEBUG: meaning('The TD is not a debug TD.'),
  TDX_TDCS_NOT_ALLOCATED: meaning('The control structure (TDCS) of the TD is not allocated.'),
  TDX_LIFECYCLE_STATE_INCORRECT: {
    meaning: 'The TD is at another point of its life than the leaf needs.',
    details: null,
    causes: [
      'TDH.MNG.KEY.CONFIG after the key is on every package.',
      'TDH.MNG.VPFLUSHDONE on a TD that is blocked already, or TDH.MNG.KEY.FREEID on one that is not.',
      'TDH.PHYMEM.PAGE.RECLAIM before TDH.MNG.KEY.FREEID.',
    ],
    remedy:
      'Tear down in this order: TDH.VP.FLUSH, TDH.MNG.VPFLUSHDONE, TDH.PHYMEM.CACHE.WB, TDH.MNG.KEY.FREEID, TDH.PHYMEM.PAGE.RECLAIM.',
  },
  TDX_OP_STATE_INCORRECT: meaning('The operation state of the TD does not allow the leaf.'),
  TDX_NO_VCPUS: meaning('The TD has no vCPU.'),
  TDX_TDCX_NUM_INCORRECT: {
    meaning: 'The TD does not have the number of control pages (TDCX) that the leaf needs.',
    details: null,
    causes: ['TDH.MNG.ADDCX on a TD that has all nine pages.'],
    remedy: null,
  },
  TDX_VCPU_STATE_INCORRECT: meaning('The state of the vCPU does not allow the leaf.'),
  TDX_VCPU_ASSOCIATED: {
    meaning: 'The vCPU is associated with another LP.',
    details: null,
    causes: ['The vCPU moved to another CPU without TDH.VP.FLUSH on the old one (inferred).'],
    remedy: 'Run TDH.VP.FLUSH on the LP that the vCPU last ran on.',
  },
  TDX_VCPU_NOT_ASSOCIATED: {
    meaning: 'The vCPU is not associated with this LP.',
    details: null,
    causes: ['TDH.VP.FLUSH on an LP that the vCPU did not last run on, or a second time (inferred).'],
    remedy: 'None is needed if the vCPU was flushed before; KVM ignores it.',
  },
  TDX_NO_VALID_VE_INFO: meaning('There is no valid #VE information.'),
  TDX_MAX_VCPUS_EXCEEDED: meaning('The TD would have more vCPUs than it may have.'),
  TDX_TSC_ROLLBACK: meaning('The time-stamp counter went back.'),
  TDX_TD_VMCS_FIELD_NOT_INITIALIZED: meaning('A VMCS field of the TD is not initialised.'),
  TD_VMCS_FIELD_ERROR: meaning('A VMCS field of the TD is in error.'),
  TDX_KEY_GENERATION_FAILED: {
    meaning: 'PCONFIG had no entropy for a key.',
    details: null,
    causes: ['TDH.SYS.KEY.CONFIG or TDH.MNG.KEY.CONFIG while many CPUs draw random numbers.'],
    remedy: 'Make the call again. Linux 6.8 to 7.3 do not, and TDX, or the TD, fails.',
  },
  TDX_TD_KEYS_NOT_CONFIGURED: {
    meaning: 'The key of the TD is not programmed on every package.',
    details: null,
    causes: ['TDH.MNG.KEY.CONFIG has not run on a package, for instance because one has no online CPU.'],
    remedy: 'Bring a CPU of every package online and run TDH.MNG.KEY.CONFIG there.',
  },
  TDX_KEY_STATE_INCORRECT: meaning('The state of the key does not allow the leaf.'),
  TDX_KEY_CONFIGURED: {
    meaning: 'The key is programmed on this package already.',
    details: null,
    causes: [
      'The call is made twice on one package.',
      'Kernel and module count packages differently: the module takes the number from the x2APIC id.',
    ],
    remedy: 'None is needed, though Linux 6.8 to 7.3 take it for a failure (-EIO).',
  },
  TDX_WBCACHE_NOT_COMPLETE: {
    meaning: 'The caches have not been written back on every package.',
    details: null,
    causes: ['TDH.PHYMEM.CACHE.WB was not run, or not resumed to its end, on a package.'],
    remedy: 'Run TDH.PHYMEM.CACHE.WB on every package to its end, then TDH.MNG.KEY.FREEID again.',
  },
  TDX_HKID_NOT_FREE: {
    meaning: 'The KeyID is in use.',
    details: null,
    causes: [
      'Another TD has it, or a TD whose teardown stopped before TDH.MNG.KEY.FREEID.',
      'It is the global KeyID, or one that a failed TDH.SYS.CONFIG named: the module keeps both reserved.',
    ],
    remedy: 'Use another KeyID.',
  },
  TDX_NO_HKID_READY_TO_WBCACHE: {
    meaning: 'No KeyID waits for a cache write-back.',
    details: null,
    causes: ['TDH.PHYMEM.CACHE.WB before TDH.MNG.VPFLUSHDONE, or after TDH.MNG.KEY.FREEID.'],
    remedy: 'None is needed; KVM takes it for success.',
  },
  TDX_WBCACHE_RESUME_ERROR: {
    meaning: 'TDH.PHYMEM.CACHE.WB is to be resumed, and none was interrupted on this package.',
    details: null,
    causes: ['RCX is 1 on the first call, or a start on the same package came in between.'],
    remedy: 'Make the call with RCX = 0.',
  },
  TDX_FLUSHVP_NOT_DONE: {
    meaning: 'A vCPU of the TD is still associated with an LP.',
    details: null,
    causes: ['TDH.VP.FLUSH was not made for a vCPU, or on another LP than the one it last ran on (inferred).'],
    remedy: 'Run TDH.VP.FLUSH for every vCPU on the LP that it last ran on, then the call again.',
  },
} as const satisfies Readonly<Record<string, StatusMeaning>>;
