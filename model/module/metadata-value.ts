import type { U64 } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import { cutToField, type FieldElement } from './field-table.ts';
import { KNOWN_FMS, knownFMSIndex, platformFMS } from './known-fms.ts';
import type { ModuleState } from './state.ts';

/** Bits a module build lets into XFAM. */
const XFAM_FIXED0_MASK = 0x6dbe7;
const FEATURES0_WITHOUT_ATTESTATION = 0xf0ebf;
/** NO_RBP_MOD. */
const FEATURES0_KEEPS_RBP = 0x40000;
const FEATURES0_LOCAL_ATTESTATION = 0x100;
const SEAMOPS_LOCAL_ATTESTATION = 0x40;

/** XFAM_FIXED0 on the sampled CPU. */
export function xfamFixed0(module: ModuleState): number {
  return XFAM_FIXED0_MASK & (module.sample?.xfam ?? 0);
}

/**
 * What TDH.SYS.RD answers for one element, cut to its size; `undefined` where the module dies of the question (a CPU whose
 * family and model it does not know). Source: public source of TDX module 1.5.01; recorded cases rd-*.
 */
export function metadataValue(module: ModuleState, hardware: Hardware, element: FieldElement): U64 | undefined {
  if (element.value !== undefined) return element.value;
  const value = workOut(module, hardware, element);
  return value === undefined ? undefined : cutToField(value, element.field.bits);
}

function workOut(module: ModuleState, { loader }: Hardware, { field, index }: FieldElement): U64 | undefined {
  const { build } = module.release;
  switch (field.name) {
    case 'NUM_PKGS':
      return module.totPackages;
    case 'PKG_FMS':
      return index < module.totPackages ? (loader.fms[index] ?? loader.fms[0] ?? 0) : 0;
    case 'BUILD_DATE':
      return build.date;
    case 'BUILD_NUM':
      return build.num;
    case 'MINOR_VERSION':
      return build.minor;
    case 'MAJOR_VERSION':
      return build.major;
    case 'UPDATE_VERSION':
      return build.update;
    case 'INTERNAL_VERSION':
      return build.internal;
    // Constants of the build, not what the loader's table says.
    case 'MODULE_HV':
    case 'MIN_UPDATE_HV':
    case 'NO_DOWNGRADE':
      return 0;
    case 'NUM_HANDOFF_PAGES':
      return (loader.handoffPages + 0xffff) & 0xffff;
    case 'HANDOFF_DATA_VALID':
      return module.handoff.valid;
    case 'HANDOFF_DATA_HV':
      return module.handoff.version;
    case 'HANDOFF_DATA_SIZE':
      return module.handoff.size;
    case 'TDX_FEATURES0':
      return (
        (module.release.clobbersRBP
          ? FEATURES0_WITHOUT_ATTESTATION & ~FEATURES0_KEEPS_RBP
          : FEATURES0_WITHOUT_ATTESTATION) |
        (((module.sample?.seamopsCaps ?? 0) & SEAMOPS_LOCAL_ATTESTATION) === 0 ? 0 : FEATURES0_LOCAL_ATTESTATION)
      );
    case 'CMR_BASE':
      return loader.cmrs[index]?.base ?? 0;
    case 'CMR_SIZE':
      return loader.cmrs[index]?.size ?? 0;
    case 'XFAM_FIXED0':
      return xfamFixed0(module);
    case 'NUM_ALLOWED_FMS': {
      const known = knownFMSIndex(platformFMS(loader));
      return known < 0 ? undefined : KNOWN_FMS.length - known;
    }
    case 'ALLOWED_FMS': {
      const fms = platformFMS(loader);
      const known = knownFMSIndex(fms);
      if (known < 0) return undefined;
      return index === 0 ? fms : (KNOWN_FMS[known + index] ?? 0);
    }
    default:
      throw new Error(`metadata field ${field.name} has neither value nor rule`);
  }
}
