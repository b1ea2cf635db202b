/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What ThreadSanitizer cannot see: Debian's GLib is not instrumented, so its locks, conditions, queues and
 * reference counts order nothing in the sanitizer's eyes, and every use of them would look like a race.
 * Preloaded in the sanitizer's build only, this tells it about them. A lock is told as a release when it is
 * let go and an acquire when it is taken, which is exactly what it promises. */
#include <dlfcn.h>
#include <glib-object.h>
#include <gst/gst.h>

/* weak: programs that are not instrumented are preloaded as well, and have no sanitizer to tell */
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

static void
acquired(const volatile void *address)
{
  if (__tsan_acquire)
    __tsan_acquire((void *)address);
}

static void
releases(const volatile void *address)
{
  if (__tsan_release)
    __tsan_release((void *)address);
}

/* the function of that name in the library behind us */
#define REAL(name)                                                                                 \
  static __typeof__(name) *real;                                                                   \
  if (!real)                                                                                       \
  real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define TAKE(name, type)                                                                           \
  void(name)(type * lock)                                                                          \
  {                                                                                                \
    REAL(name);                                                                                    \
    real(lock);                                                                                    \
    acquired(lock);                                                                                \
  }
#define TRY(name, type)                                                                            \
  gboolean(name)(type * lock)                                                                      \
  {                                                                                                \
    REAL(name);                                                                                    \
    gboolean got = real(lock);                                                                     \
    if (got)                                                                                       \
      acquired(lock);                                                                              \
    return got;                                                                                    \
  }
#define LET_GO(name, type)                                                                         \
  void(name)(type * lock)                                                                          \
  {                                                                                                \
    REAL(name);                                                                                    \
    releases(lock);                                                                                \
    real(lock);                                                                                    \
  }

TAKE(g_mutex_lock, GMutex)
TRY(g_mutex_trylock, GMutex)
LET_GO(g_mutex_unlock, GMutex)
TAKE(g_rec_mutex_lock, GRecMutex)
TRY(g_rec_mutex_trylock, GRecMutex)
LET_GO(g_rec_mutex_unlock, GRecMutex)
TAKE(g_rw_lock_reader_lock, GRWLock)
TRY(g_rw_lock_reader_trylock, GRWLock)
LET_GO(g_rw_lock_reader_unlock, GRWLock)
TAKE(g_rw_lock_writer_lock, GRWLock)
TRY(g_rw_lock_writer_trylock, GRWLock)
LET_GO(g_rw_lock_writer_unlock, GRWLock)

void(g_cond_wait)(GCond *cond, GMutex *mutex)
{
  REAL(g_cond_wait);
  releases(mutex);
  real(cond, mutex);
  acquired(mutex);
}

gboolean(g_cond_wait_until)(GCond *cond, GMutex *mutex, gint64 end_time)
{
  REAL(g_cond_wait_until);
  releases(mutex);
  gboolean signalled = real(cond, mutex, end_time);
  acquired(mutex);
  return signalled;
}

/* the location is read atomically by code that is instrumented, which acquires what is released here */
void(g_once_init_leave)(volatile void *location, gsize result)
{
  REAL(g_once_init_leave);
  releases(location);
  real(location, result);
}

void(g_async_queue_push)(GAsyncQueue *queue, gpointer data)
{
  REAL(g_async_queue_push);
  releases(queue);
  real(queue, data);
}

gpointer(g_async_queue_pop)(GAsyncQueue *queue)
{
  REAL(g_async_queue_pop);
  gpointer data = real(queue);
  acquired(queue);
  return data;
}

gpointer(g_async_queue_try_pop)(GAsyncQueue *queue)
{
  REAL(g_async_queue_try_pop);
  gpointer data = real(queue);
  acquired(queue);
  return data;
}

gpointer(g_async_queue_timeout_pop)(GAsyncQueue *queue, guint64 timeout)
{
  REAL(g_async_queue_timeout_pop);
  gpointer data = real(queue, timeout);
  acquired(queue);
  return data;
}

/* References: whoever gives up the last one comes after all who gave up theirs. */
#define UNREF(name, type)                                                                          \
  void(name)(type object)                                                                          \
  {                                                                                                \
    REAL(name);                                                                                    \
    releases((void *)object);                                                                      \
    acquired((void *)object);                                                                      \
    real(object);                                                                                  \
  }
UNREF(g_object_unref, gpointer)
UNREF(gst_object_unref, gpointer)
UNREF(gst_mini_object_unref, GstMiniObject *)
UNREF(g_bytes_unref, GBytes *)
UNREF(g_main_context_unref, GMainContext *)
UNREF(g_main_loop_unref, GMainLoop *)
UNREF(g_source_unref, GSource *)
