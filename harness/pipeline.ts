// The stages, composed. Until the oracle is wired in here, the small world that the engine's tests use stands in.
export { stages } from './testing/fake-stages.ts';
