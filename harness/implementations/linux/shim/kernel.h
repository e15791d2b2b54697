/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What every header the TDX host code includes stands for in user space: the kernel's public interfaces as declarations,
 * the trivial ones as macros. Written from the interfaces' documentation and their use; nothing is copied. Everything
 * with an effect is a shim_ function of machine.c or port.c.
 */
#ifndef SEAMSTRESS_KERNEL_H
#define SEAMSTRESS_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef unsigned long size_t;
typedef long ssize_t;
typedef unsigned long phys_addr_t;
typedef unsigned int gfp_t;
typedef u64 kvm_pfn_t;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define __init
#define __exit
#define __ro_after_init
#define __read_mostly
#define __user
#define __iomem
#define __force
#define __maybe_unused __attribute__((unused))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __always_inline inline __attribute__((always_inline))
#define __noreturn __attribute__((noreturn))
#define noinline __attribute__((noinline))
#define noinstr noinline
#define __used __attribute__((used))
#define __initconst
#define __initdata
#define __cpuidle
#define __must_check
#define fallthrough __attribute__((fallthrough))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define EXPORT_SYMBOL(name) extern int shim_exported_##name
#define EXPORT_SYMBOL_GPL(name) extern int shim_exported_##name
#define EXPORT_SYMBOL_FOR_KVM(name) extern int shim_exported_##name
#define EXPORT_SYMBOL_FOR_MODULES(name, modules) extern int shim_exported_##name
#define DECLARE_FLEX_ARRAY(type, name) struct { struct { } shim_empty_##name; type name[]; }
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define barrier() __asm__ volatile("" ::: "memory")
#define mb() barrier()
#define smp_mb() barrier()
#define smp_wmb() barrier()
#define smp_rmb() barrier()
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)
#define static_assert(expression, ...) _Static_assert(expression, #expression)

/* bits, sizes, alignment */
#define _UL(x) (x##UL)
#define _BITUL(n) (1UL << (n))
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
#define GENMASK(high, low) (((~0UL) << (low)) & (~0UL >> (63 - (high))))
#define GENMASK_ULL(high, low) (((~0ULL) << (low)) & (~0ULL >> (63 - (high))))
#define SZ_4K 0x1000
#define SZ_1M 0x100000
#define SZ_2M 0x200000
#define SZ_1G 0x40000000
#define PAGE_SHIFT 12
#define PMD_SHIFT 21
#define PUD_SHIFT 30
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define ALIGN(x, a) (((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define PAGE_ALIGN(x) ALIGN(x, PAGE_SIZE)
#define PFN_UP(x) (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(x) ((x) >> PAGE_SHIFT)
#define PFN_PHYS(x) ((phys_addr_t)(x) << PAGE_SHIFT)
#define PHYS_PFN(x) ((unsigned long)((x) >> PAGE_SHIFT))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define BITS_PER_BYTE 8
#define PTRS_PER_PTE 512
#define min(a, b) ({ __typeof__(a) min_a = (a); __typeof__(b) min_b = (b); min_a < min_b ? min_a : min_b; })
#define max(a, b) ({ __typeof__(a) max_a = (a); __typeof__(b) max_b = (b); max_a > max_b ? max_a : max_b; })
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	unsigned long power = 1;

	while (power < n)
		power <<= 1;
	return power;
}

/* errno */
#define EPERM 1
#define ENOENT 2
#define EIO 5
#define ENXIO 6
#define E2BIG 7
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define EOPNOTSUPP 95
#define IS_ERR_VALUE(x) ((unsigned long)(x) >= (unsigned long)-4095)

/* printk and warnings */
void shim_printk(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void shim_warn(const char *what, int line);
#define pr_err(fmt, ...) shim_printk(3, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...) shim_printk(4, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) shim_printk(5, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...) shim_printk(6, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...) do { if (0) shim_printk(7, pr_fmt(fmt), ##__VA_ARGS__); } while (0)
#define shim_once(call) ({ static bool shim_done; if (!shim_done) { shim_done = true; call; } })
#define pr_err_once(fmt, ...) shim_once(pr_err(fmt, ##__VA_ARGS__))
#define pr_err_ratelimited(fmt, ...) pr_err(fmt, ##__VA_ARGS__)
#define pr_warn_ratelimited(fmt, ...) pr_warn(fmt, ##__VA_ARGS__)
#define pr_warn_once(fmt, ...) shim_once(pr_warn(fmt, ##__VA_ARGS__))
#define WARN_ON(x) ({ bool shim_bad = !!(x); if (shim_bad) shim_warn(#x, __LINE__); shim_bad; })
#define WARN_ON_ONCE(x) ({ static bool shim_warned; bool shim_bad = !!(x); if (shim_bad && !shim_warned) { shim_warned = true; shim_warn(#x, __LINE__); } shim_bad; })
#define WARN(x, ...) WARN_ON(x)
#define WARN_ONCE(x, ...) WARN_ON_ONCE(x)
#define BUG_ON(x) do { if (x) __builtin_trap(); } while (0)
#define BUG() __builtin_trap()

#include "cpus.h"

/* Locks: counted, so that an imbalance or a deadlock shows, and so does sleeping under a spinlock. */
void shim_might_sleep(int line);
void cpus_read_lock(void);
#define cpus_read_lock() (shim_might_sleep(__LINE__), (cpus_read_lock)())
void cpus_read_unlock(void);
void get_online_mems(void);
#define get_online_mems() (shim_might_sleep(__LINE__), (get_online_mems)())
void put_online_mems(void);
struct mutex { int held; };
typedef struct { int held; } raw_spinlock_t;
typedef raw_spinlock_t spinlock_t;
#define DEFINE_MUTEX(name) struct mutex name
#define DEFINE_RAW_SPINLOCK(name) raw_spinlock_t name
#define DEFINE_SPINLOCK(name) raw_spinlock_t name
void mutex_lock(struct mutex *lock);
#define mutex_lock(lock) (shim_might_sleep(__LINE__), (mutex_lock)(lock))
void mutex_unlock(struct mutex *lock);
void raw_spin_lock(raw_spinlock_t *lock);
void raw_spin_unlock(raw_spinlock_t *lock);
#define spin_lock(lock) raw_spin_lock(lock)
#define spin_unlock(lock) raw_spin_unlock(lock)
#define raw_spin_lock_irqsave(lock, flags) ({ (flags) = 0; raw_spin_lock(lock); })
#define raw_spin_unlock_irqrestore(lock, flags) ({ (void)(flags); raw_spin_unlock(lock); })
#define local_irq_save(flags) ((flags) = 0)
#define local_irq_restore(flags) ((void)(flags))
#define lockdep_assert_irqs_disabled() barrier()
#define lockdep_assert_preemption_disabled() barrier()
#define lockdep_assert_cpus_held() barrier()
#define lockdep_assert_held(lock) barrier()

/* CPU hotplug and VMX operation, for trees that initialise TDX by themselves */
#define subsys_initcall(function) int shim_initcall(void) { return function(); }
enum cpuhp_state { CPUHP_INVALID = -1, CPUHP_OFFLINE, CPUHP_AP_ONLINE_DYN = 200 };
int cpuhp_setup_state(enum cpuhp_state state, const char *name, int (*startup)(unsigned int), int (*teardown)(unsigned int));
void cpuhp_remove_state(enum cpuhp_state state);
int x86_virt_get_ref(int feature);
void x86_virt_put_ref(int feature);
struct syscore_ops { int (*suspend)(void *data); void (*resume)(void *data); void (*shutdown)(void *data); };
struct syscore { const struct syscore_ops *ops; };
void shim_register_syscore(const struct syscore *syscore);
#define register_syscore(syscore) shim_register_syscore(syscore)

/* Lists */
struct list_head { struct list_head *next, *prev; };
#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)
static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list->prev = list;
}
static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}
static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	entry->next = head;
	entry->prev = head->prev;
	head->prev->next = entry;
	head->prev = entry;
}
static inline void list_add(struct list_head *entry, struct list_head *head)
{
	list_add_tail(entry, head->next);
}
static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->next = entry->prev = (struct list_head *)0xdead000000000000UL;
}
#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_for_each_entry(pos, head, member) \
	for (pos = list_first_entry(head, __typeof__(*pos), member); &pos->member != (head); pos = list_next_entry(pos, member))
#define list_for_each_entry_safe(pos, n, head, member) \
	for (pos = list_first_entry(head, __typeof__(*pos), member), n = list_next_entry(pos, member); &pos->member != (head); \
	     pos = n, n = list_next_entry(n, member))

/* Memory. Physical addresses come from outside; objects live in an arena with guard pages; PAMTs have no backing. */
#define GFP_KERNEL 0xcc0u
#define GFP_ATOMIC 0x820u
#define __GFP_ZERO 0x100u
#define MAX_NUMNODES 1024
#define NUMA_NO_NODE (-1)
struct page;
typedef struct { int shim_unused; } nodemask_t;
extern nodemask_t node_online_map;
void *kmalloc(size_t size, gfp_t flags);
#define __GFP_DIRECT_RECLAIM 0x400u
#define kmalloc(size, flags) (((flags) & __GFP_DIRECT_RECLAIM) ? shim_might_sleep(__LINE__) : (void)0, (kmalloc)(size, flags))
void kfree(const void *object);
#define kzalloc(size, flags) kmalloc(size, (flags) | __GFP_ZERO)
#define kcalloc(n, size, flags) kmalloc((n) * (size), (flags) | __GFP_ZERO)
void *alloc_pages_exact(size_t size, gfp_t flags);
void free_pages_exact(void *object, size_t size);
struct page *alloc_contig_pages(unsigned long pages, gfp_t flags, int node, nodemask_t *mask);
void free_contig_range(unsigned long pfn, unsigned long pages);
#define SHIM_PAGE_BASE 0xffffea0000000000UL
#define page_to_pfn(page) (((unsigned long)(page) - SHIM_PAGE_BASE) / 64)
#define pfn_to_page(pfn) ((struct page *)(SHIM_PAGE_BASE + (pfn) * 64UL))
#define ZERO_PAGE(address) pfn_to_page(0UL)
#define page_to_phys(page) (page_to_pfn(page) << PAGE_SHIFT)
#define phys_to_page(physical) pfn_to_page(PHYS_PFN(physical))
#define page_to_virt(page) page_address(page)
#define kmalloc_obj(object, ...) kmalloc(sizeof(object), GFP_KERNEL)
#define kzalloc_obj(object, ...) kzalloc(sizeof(object), GFP_KERNEL)
#define page_address(page) ((void *)(SHIM_DIRECT_BASE + page_to_pfn(page) * PAGE_SIZE))
/* Addresses of memory without backing: never dereferenced, and not addresses of this process. */
#define SHIM_DIRECT_BASE 0xffff888000000000UL
unsigned long shim_pa(const void *object);
#define __pa(object) shim_pa((const void *)(object))
#define virt_to_phys(object) __pa(object)
#define __va(physical) ((void *)(SHIM_DIRECT_BASE + (unsigned long)(physical)))
/* The line that would go on with the run of MOVDIR64B under way. */
extern unsigned long shim_reset_next;
void shim_reset_start(unsigned long line);
static inline void movdir64b(void *line, const void *source)
{
	(void)source;
	if ((unsigned long)line == shim_reset_next)
		shim_reset_next += 64;
	else
		shim_reset_start((unsigned long)line);
}
static inline void clflush_cache_range(void *address, unsigned int size)
{
	(void)address;
	(void)size;
}
void wbinvd_on_all_cpus(void);
void wbinvd(void);
bool shim_mem_range(int *index, unsigned long *start, unsigned long *end, int *node);
#define for_each_mem_pfn_range(i, nid, p_start, p_end, p_nid) for ((i) = 0; shim_mem_range(&(i), p_start, p_end, p_nid); )

struct notifier_block { int (*notifier_call)(struct notifier_block *nb, unsigned long action, void *data); };
struct memory_notify { unsigned long start_pfn; unsigned long nr_pages; };
#define MEM_ONLINE (1 << 0)
#define MEM_GOING_OFFLINE (1 << 1)
#define MEM_OFFLINE (1 << 2)
#define MEM_GOING_ONLINE (1 << 3)
#define NOTIFY_DONE 0x0000
#define NOTIFY_OK 0x0001
#define NOTIFY_STOP_MASK 0x8000
#define NOTIFY_BAD (NOTIFY_STOP_MASK | 0x0002)
int register_memory_notifier(struct notifier_block *nb);

void sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *), void (*swap)(void *, void *, int));
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

/* The processor */
#define X86_FEATURE_TDX_HOST_PLATFORM 1
#define X86_BUG_TDX_PW_MCE 2
#define X86_FEATURE_XSAVE 3
#define X86_FEATURE_MOVDIR64B 4
#define X86_FEATURE_SELFSNOOP 5
#define X86_FEATURE_VMX 6
#define X86_BUG_SEAMRET_INVD_VMCS 7
#define X86_TRAP_UD 6
#define X86_TRAP_GP 13
extern unsigned int shim_features;
#define boot_cpu_has(feature) ((shim_features >> (feature)) & 1)
#define cpu_feature_enabled(feature) boot_cpu_has(feature)
#define boot_cpu_has_bug(bug) boot_cpu_has(bug)
#define setup_force_cpu_cap(feature) (shim_features |= 1u << (feature))
#define setup_clear_cpu_cap(feature) (shim_features &= ~(1u << (feature)))
#define setup_force_cpu_bug(bug) setup_force_cpu_cap(bug)
struct cpuinfo_x86 { u32 x86_vfm; u8 x86; u8 x86_model; u8 x86_vendor; u8 x86_phys_bits; };
extern struct cpuinfo_x86 boot_cpu_data;
#define SHIM_FAMILY_6(model) ((6u << 8) | (model))
#define INTEL_SAPPHIRERAPIDS_X SHIM_FAMILY_6(0x8f)
#define INTEL_EMERALDRAPIDS_X SHIM_FAMILY_6(0xcf)
#define INTEL_GRANITERAPIDS_X SHIM_FAMILY_6(0xad)
#define INTEL_GRANITERAPIDS_D SHIM_FAMILY_6(0xae)
#define INTEL_ATOM_CRESTMONT_X SHIM_FAMILY_6(0xaf)
/* Lines of private memory may be dirty in this CPU's caches: kexec asks. */
DECLARE_PER_CPU(bool, cache_state_incoherent);
enum pg_level { PG_LEVEL_NONE, PG_LEVEL_4K, PG_LEVEL_2M, PG_LEVEL_1G };
#define MSR_IA32_MKTME_KEYID_PARTITIONING 0x87
#define RDRAND_RETRY_LOOPS 10
struct msr { union { struct { u32 l, h; }; u64 q; }; };
int rdmsr_safe(u32 msr, u32 *low, u32 *high);
int rdmsrl_safe(u32 msr, u64 *value);
#define rdmsrq_safe(msr, value) rdmsrl_safe(msr, value)
#define MSR_IA32_VMX_BASIC 0x480
#define VMX_BASIC_NO_SEAMRET_INVD_VMCS BIT_ULL(60)
u64 shim_rdmsr(u32 msr);
#define rdmsrq(msr, value) ((value) = shim_rdmsr(msr))
#define rdmsrl(msr, value) rdmsrq(msr, value)
struct pt_regs;
struct mce { u64 status; u64 addr; u64 misc; u64 mcgstatus; u8 bank; };
bool mce_is_memory_error(struct mce *m);
int mce_usable_address(struct mce *m);
#define MCI_ADDR_PHYSADDR GENMASK_ULL(boot_cpu_data.x86_phys_bits - 1, 0)
bool hibernation_available(void);
extern int (*acpi_suspend_lowlevel)(void);

/* Small numbers, given out lowest first */
#define SHIM_IDS_MAX 2048
struct ida { u64 used[SHIM_IDS_MAX / 64]; };
#define DEFINE_IDA(name) struct ida name
static inline bool ida_is_empty(const struct ida *ida)
{
	for (int word = 0; word < SHIM_IDS_MAX / 64; word++)
		if (ida->used[word])
			return false;
	return true;
}
static inline int ida_alloc_range(struct ida *ida, unsigned int min, unsigned int max, gfp_t flags)
{
	(void)flags;
	for (unsigned int id = min; id <= max && id < SHIM_IDS_MAX; id++) {
		if (ida->used[id / 64] >> (id % 64) & 1)
			continue;
		ida->used[id / 64] |= 1ULL << (id % 64);
		return id;
	}
	return -ENOSPC;
}
static inline void ida_free(struct ida *ida, unsigned int id)
{
	if (id < SHIM_IDS_MAX)
		ida->used[id / 64] &= ~(1ULL << (id % 64));
}

#include "common.h"
#ifdef SEAMSTRESS_EXTRA
#include SEAMSTRESS_EXTRA
#endif
#endif
