/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the TDX host code of the kernels we know does without, and a change to it may well use. Part of kernel.h; without
 * effects of its own.
 */
#ifndef SEAMSTRESS_COMMON_H
#define SEAMSTRESS_COMMON_H

#define U8_MAX ((u8)~0)
#define U16_MAX ((u16)~0)
#define U32_MAX ((u32)~0U)
#define U64_MAX ((u64)~0ULL)
#define S32_MAX 0x7fffffff
#define INT_MAX S32_MAX
#define UINT_MAX (~0U)
#define ULONG_MAX (~0UL)
#define BITS_PER_LONG 64
#define SZ_8K 0x2000
#define SZ_64K 0x10000
#define SZ_4M 0x400000
#define SZ_1K 0x400
#define SZ_4G 0x100000000ULL
#define PMD_SIZE (1UL << PMD_SHIFT)
#define PMD_MASK (~(PMD_SIZE - 1))
#define PUD_SIZE (1UL << PUD_SHIFT)
#define PUD_MASK (~(PUD_SIZE - 1))
#define lower_32_bits(n) ((u32)((n) & 0xffffffff))
#define upper_32_bits(n) ((u32)((u64)(n) >> 32))
#define round_up(x, a) ALIGN(x, a)
#define round_down(x, a) ALIGN_DOWN(x, a)
#define roundup(x, to) ((((x) + (to) - 1) / (to)) * (to))
#define rounddown(x, to) ((x) - (x) % (to))
#define div_u64(n, by) ((u64)(n) / (u32)(by))
#define div64_u64(n, by) ((u64)(n) / (u64)(by))
#define do_div(n, by) ({ u32 shim_rest = (n) % (u32)(by); (n) /= (u32)(by); shim_rest; })
#define is_power_of_2(n) ((n) != 0 && ((n) & ((n) - 1)) == 0)
#define hweight32(n) __builtin_popcount(n)
#define hweight64(n) __builtin_popcountll(n)
#define ffs(n) __builtin_ffs(n)
#define __ffs(n) ((unsigned long)__builtin_ctzl(n))
#define fls(n) ((n) ? 32 - __builtin_clz(n) : 0)
#define fls64(n) ((n) ? 64 - __builtin_clzll(n) : 0)
#define __fls(n) (63UL - __builtin_clzl(n))
#define ilog2(n) (fls64(n) - 1)
#define clamp(x, low, high) min(max(x, low), high)
#define clamp_t(type, x, low, high) clamp((type)(x), (type)(low), (type)(high))
#define swap(a, b) do { __typeof__(a) shim_swapped = (a); (a) = (b); (b) = shim_swapped; } while (0)
#define abs(x) ({ __typeof__(x) shim_x = (x); shim_x < 0 ? -shim_x : shim_x; })
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define struct_size(pointer, member, count) (sizeof(*(pointer)) + sizeof(*(pointer)->member) * (count))
#define check_add_overflow(a, b, sum) __builtin_add_overflow(a, b, sum)
#define check_sub_overflow(a, b, difference) __builtin_sub_overflow(a, b, difference)
#define check_mul_overflow(a, b, product) __builtin_mul_overflow(a, b, product)

/* Options: those that are set are 1, the others not defined. */
#define SHIM_COMMA_1 0,
#define SHIM_SECOND(first, second, ...) second
#define SHIM_IS_SET(comma) SHIM_SECOND(comma 1, 0)
#define SHIM_IS_ONE(value) SHIM_IS_SET(SHIM_COMMA_##value)
#define SHIM_IS_ENABLED(value) SHIM_IS_ONE(value)
#define IS_ENABLED(option) SHIM_IS_ENABLED(option)
#define IS_BUILTIN(option) IS_ENABLED(option)
#define IS_REACHABLE(option) IS_ENABLED(option)

#define ESRCH 3
#define EINTR 4
#define EAGAIN 11
#define EEXIST 17
#define ERANGE 34
#define ENOSYS 38
#define EOVERFLOW 75
#define ETIMEDOUT 110
#define ENOTSUPP 524
#define MAX_ERRNO 4095
#define IS_ERR(pointer) IS_ERR_VALUE(pointer)
#define IS_ERR_OR_NULL(pointer) (!(pointer) || IS_ERR(pointer))
#define PTR_ERR(pointer) ((long)(pointer))
#define ERR_PTR(error) ((void *)(long)(error))

#define pr_crit(fmt, ...) shim_printk(2, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info_once(fmt, ...) shim_once(pr_info(fmt, ##__VA_ARGS__))
#define pr_notice_once(fmt, ...) shim_once(pr_notice(fmt, ##__VA_ARGS__))
#define pr_info_ratelimited(fmt, ...) pr_info(fmt, ##__VA_ARGS__)
#define pr_debug_once(fmt, ...) pr_debug(fmt, ##__VA_ARGS__)
#define dump_stack() barrier()

/* No other thread runs: waiting takes no time. */
#define cpu_relax() barrier()
#define udelay(microseconds) ((void)(microseconds))
#define ndelay(nanoseconds) ((void)(nanoseconds))
#define mdelay(milliseconds) ((void)(milliseconds))
#define might_sleep() shim_might_sleep(__LINE__)
#define msleep(milliseconds) ((void)(milliseconds), might_sleep())
#define usleep_range(min, max) ((void)(min), (void)(max), might_sleep())
#define fsleep(microseconds) ((void)(microseconds), might_sleep())
#define lockdep_assert_in_rcu_read_lock() barrier()
#define smp_load_acquire(pointer) READ_ONCE(*(pointer))
#define smp_store_release(pointer, value) WRITE_ONCE(*(pointer), value)

typedef struct { int counter; } atomic_t;
#define ATOMIC_INIT(value) { (value) }
#define atomic_read(atomic) READ_ONCE((atomic)->counter)
#define atomic_set(atomic, value) WRITE_ONCE((atomic)->counter, value)
#define atomic_inc(atomic) ((void)(atomic)->counter++)
#define atomic_dec(atomic) ((void)(atomic)->counter--)
#define atomic_add(n, atomic) ((void)((atomic)->counter += (n)))
#define atomic_sub(n, atomic) ((void)((atomic)->counter -= (n)))
#define atomic_inc_return(atomic) (++(atomic)->counter)
#define atomic_dec_return(atomic) (--(atomic)->counter)
#define atomic_dec_and_test(atomic) (--(atomic)->counter == 0)
#define test_bit(n, bits) ((bits)[(n) / 64] >> ((n) % 64) & 1)
#define set_bit(n, bits) ((void)((bits)[(n) / 64] |= 1UL << ((n) % 64)))
#define clear_bit(n, bits) ((void)((bits)[(n) / 64] &= ~(1UL << ((n) % 64))))
#define __set_bit(n, bits) set_bit(n, bits)
#define __clear_bit(n, bits) clear_bit(n, bits)
#define BITS_TO_LONGS(n) (((n) + 63) / 64)
#define DECLARE_BITMAP(name, n) unsigned long name[BITS_TO_LONGS(n)]

#define kmalloc_array(count, size, flags) kmalloc((count) * (size), flags)
#define kvmalloc(size, flags) kmalloc(size, flags)
#define kvzalloc(size, flags) kzalloc(size, flags)
#define kvcalloc(count, size, flags) kcalloc(count, size, flags)
#define kvfree(object) kfree(object)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_is_last(entry, head) ((entry)->next == (head))
#define list_is_first(entry, head) ((entry)->prev == (head))
#define list_first_entry_or_null(head, type, member) (list_empty(head) ? NULL : list_first_entry(head, type, member))

/* What is left when its scope ends. */
#define __cleanup(function) __attribute__((cleanup(function)))
static inline void shim_free_kfree(void *pointer)
{
	if (!IS_ERR_OR_NULL(*(void **)pointer))
		kfree(*(void **)pointer);
}
static inline void shim_free_kvfree(void *pointer)
{
	shim_free_kfree(pointer);
}
static inline void shim_free_free_cpumask_var(void *pointer)
{
	free_cpumask_var(*(cpumask_var_t *)pointer);
}
#define __free(name) __cleanup(shim_free_##name)
#define no_free_ptr(pointer) ({ __typeof__(pointer) shim_kept = (pointer); (pointer) = NULL; shim_kept; })
#define return_ptr(pointer) return no_free_ptr(pointer)
typedef struct mutex *shim_guard_mutex_t;
typedef raw_spinlock_t *shim_guard_raw_spinlock_t;
typedef int shim_guard_cpus_read_lock_t;
static inline shim_guard_mutex_t shim_lock_mutex(struct mutex *lock)
{
	mutex_lock(lock);
	return lock;
}
static inline void shim_unlock_mutex(shim_guard_mutex_t *lock)
{
	mutex_unlock(*lock);
}
static inline shim_guard_raw_spinlock_t shim_lock_raw_spinlock(raw_spinlock_t *lock)
{
	raw_spin_lock(lock);
	return lock;
}
static inline void shim_unlock_raw_spinlock(shim_guard_raw_spinlock_t *lock)
{
	raw_spin_unlock(*lock);
}
static inline shim_guard_cpus_read_lock_t shim_lock_cpus_read_lock(void)
{
	cpus_read_lock();
	return 0;
}
static inline void shim_unlock_cpus_read_lock(shim_guard_cpus_read_lock_t *lock)
{
	(void)lock;
	cpus_read_unlock();
}
#define SHIM_PASTE(a, b) a##b
#define SHIM_NAME(a, b) SHIM_PASTE(a, b)
#define SHIM_GUARD(kind) shim_guard_##kind##_t SHIM_NAME(shim_guard_, __LINE__) __maybe_unused __cleanup(shim_unlock_##kind) = shim_lock_##kind
/* guard(mutex)(&lock): dropped on every way out of the block. */
#define guard(kind) SHIM_GUARD(kind)
#endif
