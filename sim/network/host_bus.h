/* Included before the rendered C example when a bench runs it: registers, waiting and printing go to
 * functions that the bench hands over, so that they end on the simulated AXI4-Lite bus.
 */
#ifndef HOST_BUS_H
#define HOST_BUS_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

typedef uint32_t host_read_function(uint32_t offset);
typedef void host_write_function(uint32_t offset, uint32_t value);
typedef int host_wait_function(void);
typedef void host_print_function(const char *text);

static host_read_function *host_read;
static host_write_function *host_write;
static host_wait_function *host_wait_for_irq;
static host_print_function *host_print;

void host_connect(host_read_function *read, host_write_function *write, host_wait_function *wait,
                  host_print_function *print);
void host_connect(host_read_function *read, host_write_function *write, host_wait_function *wait,
                  host_print_function *print)
{
    host_read = read;
    host_write = write;
    host_wait_for_irq = wait;
    host_print = print;
}

/* What an interrupt controller does: waits for irq_o, then calls the handler. */
static inline void host_wait(void (*handler)(void))
{
    if (host_wait_for_irq()) {
        handler();
    }
}

static inline int host_printf(const char *format, ...)
{
    char text[256];
    va_list values;
    va_start(values, format);
    const int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    host_print(text);
    return length;
}
#define printf host_printf

#endif
