/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * CPUs and sets of them. A per-CPU variable is an array; the running CPU is a number. Part of kernel.h.
 */
#ifndef SEAMSTRESS_CPUS_H
#define SEAMSTRESS_CPUS_H

#define SHIM_CPUS_MAX 256
extern int shim_cpu;
extern int shim_cpu_count;
int shim_package(int cpu);
#define NR_CPUS SHIM_CPUS_MAX
#define nr_cpu_ids ((unsigned int)shim_cpu_count)
#define smp_processor_id() shim_cpu
#define raw_smp_processor_id() shim_cpu
#define get_cpu() shim_cpu
#define put_cpu() barrier()
#define DEFINE_PER_CPU(type, name) __typeof__(type) name[SHIM_CPUS_MAX]
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name[SHIM_CPUS_MAX]
#define EXPORT_PER_CPU_SYMBOL_GPL(name) extern int shim_exported_##name
#define __this_cpu_read(name) (name[shim_cpu])
#define __this_cpu_write(name, value) (name[shim_cpu] = (value))
#define this_cpu_read(name) (name[shim_cpu])
#define this_cpu_write(name, value) (name[shim_cpu] = (value))
#define this_cpu_ptr(pointer) (&(*(pointer))[shim_cpu])
#define per_cpu(name, cpu) (name[cpu])
#define per_cpu_ptr(pointer, cpu) (&(*(pointer))[cpu])
#define topology_physical_package_id(cpu) shim_package(cpu)
int smp_call_on_cpu(unsigned int cpu, int (*func)(void *), void *par, bool phys);
int smp_call_function_single(int cpu, void (*func)(void *), void *info, int wait);
void on_each_cpu(void (*func)(void *), void *info, int wait);
#define preempt_disable() barrier()
#define preempt_enable() barrier()
#define cond_resched() shim_might_sleep(__LINE__)

/*
 * Sets of CPUs. An allocated one is as long as the machine has CPUs and no longer, as with CONFIG_CPUMASK_OFFSTACK: who
 * copies it as a structure overruns it.
 */
struct cpumask { unsigned long bits[SHIM_CPUS_MAX / 64]; };
typedef struct cpumask cpumask_t;
typedef struct cpumask *cpumask_var_t;
extern struct cpumask shim_online, shim_present, shim_possible;
#define cpu_online_mask ((const struct cpumask *)&shim_online)
#define cpu_present_mask ((const struct cpumask *)&shim_present)
#define cpu_possible_mask ((const struct cpumask *)&shim_possible)
#define SHIM_MASK_WORDS ((nr_cpu_ids + 63) / 64)
#define cpumask_size() (SHIM_MASK_WORDS * sizeof(unsigned long))
#define cpumask_bits(mask) ((mask)->bits)
bool zalloc_cpumask_var(cpumask_var_t *mask, gfp_t flags);
#define alloc_cpumask_var(mask, flags) zalloc_cpumask_var(mask, flags)
void free_cpumask_var(cpumask_var_t mask);
/* A number past the end is the caller's mistake: in an allocated set it faults, and that is told. */
static inline bool cpumask_test_cpu(int cpu, const struct cpumask *mask)
{
	return mask->bits[cpu / 64] >> (cpu % 64) & 1;
}
static inline void cpumask_set_cpu(unsigned int cpu, struct cpumask *mask)
{
	mask->bits[cpu / 64] |= 1UL << (cpu % 64);
}
static inline void cpumask_clear_cpu(int cpu, struct cpumask *mask)
{
	mask->bits[cpu / 64] &= ~(1UL << (cpu % 64));
}
static inline bool cpumask_test_and_set_cpu(int cpu, struct cpumask *mask)
{
	bool was = cpumask_test_cpu(cpu, mask);

	cpumask_set_cpu(cpu, mask);
	return was;
}
static inline bool cpumask_test_and_clear_cpu(int cpu, struct cpumask *mask)
{
	bool was = cpumask_test_cpu(cpu, mask);

	cpumask_clear_cpu(cpu, mask);
	return was;
}
static inline void cpumask_clear(struct cpumask *mask)
{
	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		mask->bits[word] = 0;
}
static inline void cpumask_copy(struct cpumask *to, const struct cpumask *from)
{
	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		to->bits[word] = from->bits[word];
}
static inline void cpumask_or(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		to->bits[word] = a->bits[word] | b->bits[word];
}
/* Of what is left of the first set: is there anything? */
static inline bool cpumask_and(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	unsigned long any = 0;

	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		any |= to->bits[word] = a->bits[word] & b->bits[word];
	return any != 0;
}
static inline bool cpumask_andnot(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	unsigned long any = 0;

	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		any |= to->bits[word] = a->bits[word] & ~b->bits[word];
	return any != 0;
}
static inline bool cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		if (a->bits[word] != b->bits[word])
			return false;
	return true;
}
static inline bool cpumask_subset(const struct cpumask *part, const struct cpumask *whole)
{
	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		if (part->bits[word] & ~whole->bits[word])
			return false;
	return true;
}
static inline bool cpumask_intersects(const struct cpumask *a, const struct cpumask *b)
{
	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		if (a->bits[word] & b->bits[word])
			return true;
	return false;
}
static inline unsigned int cpumask_weight(const struct cpumask *mask)
{
	unsigned int weight = 0;

	for (unsigned int word = 0; word < SHIM_MASK_WORDS; word++)
		weight += __builtin_popcountl(mask->bits[word]);
	return weight;
}
/* The next CPU after `after` (-1: the first), or nr_cpu_ids. */
static inline unsigned int cpumask_next(int after, const struct cpumask *mask)
{
	for (unsigned int cpu = after + 1; cpu < nr_cpu_ids; cpu++)
		if (cpumask_test_cpu(cpu, mask))
			return cpu;
	return nr_cpu_ids;
}
static inline unsigned int cpumask_next_and(int after, const struct cpumask *a, const struct cpumask *b)
{
	unsigned int cpu = cpumask_next(after, a);

	while (cpu < nr_cpu_ids && !cpumask_test_cpu(cpu, b))
		cpu = cpumask_next(cpu, a);
	return cpu;
}
#define cpumask_first(mask) cpumask_next(-1, mask)
#define cpumask_any(mask) cpumask_first(mask)
#define cpumask_first_and(a, b) cpumask_next_and(-1, a, b)
#define cpumask_any_and(a, b) cpumask_first_and(a, b)
#define cpumask_empty(mask) (cpumask_first(mask) >= nr_cpu_ids)
#define for_each_cpu(cpu, mask) for ((cpu) = cpumask_first(mask); (unsigned int)(cpu) < nr_cpu_ids; (cpu) = cpumask_next(cpu, mask))
#define for_each_cpu_and(cpu, a, b) for ((cpu) = cpumask_first_and(a, b); (unsigned int)(cpu) < nr_cpu_ids; (cpu) = cpumask_next_and(cpu, a, b))
#define for_each_online_cpu(cpu) for_each_cpu(cpu, cpu_online_mask)
#define for_each_present_cpu(cpu) for_each_cpu(cpu, cpu_present_mask)
#define for_each_possible_cpu(cpu) for_each_cpu(cpu, cpu_possible_mask)
#define cpu_online(cpu) cpumask_test_cpu(cpu, cpu_online_mask)
#define cpu_present(cpu) cpumask_test_cpu(cpu, cpu_present_mask)
#define cpu_possible(cpu) cpumask_test_cpu(cpu, cpu_possible_mask)
#define num_online_cpus() cpumask_weight(cpu_online_mask)
#define num_present_cpus() cpumask_weight(cpu_present_mask)
#define num_possible_cpus() cpumask_weight(cpu_possible_mask)
#endif
