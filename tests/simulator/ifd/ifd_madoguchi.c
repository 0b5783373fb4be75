/*
 * SPDX-License-Identifier: Apache-2.0 OR MIT
 *
 * A PC/SC driver (pcsc-lite IFD handler, API version 3) for readers that exist only in software.
 *
 * Each reader listens on one TCP port of the loopback interface; a card is a TCP client that speaks
 * vpcd's protocol: frames of a 2-byte big-endian length and a payload. A payload of one byte from the
 * reader is a control (off, on, reset, get ATR), a longer one an APDU. A closed socket is an absent
 * card. One card at a time: further clients wait in the listen queue until the card has gone.
 *
 * Two ways to say which port: DEVICENAME "127.0.0.1:PORT" in reader.conf, or, for a hot-plugged USB
 * reader, a device node whose content is that same text.
 *
 * One thread alone opens and closes the card's socket: pcscd's that waits for changes. If another
 * let a card in, the waiting one would sleep on. Whoever finds the card broken shuts the socket
 * down, which wakes that thread and frees a waiting transmit.
 *
 * No swap goes unseen, however quick. pcscd asks for the presence in more places than one, its power
 * management among them, and takes note of the answer in one only: before it waits again. So when
 * the card has gone, the next one is not let in until the thread has come back to wait.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifdhandler.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <reader.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { CONTROL_OFF = 0, CONTROL_ON = 1, CONTROL_RESET = 2, CONTROL_GET_ATR = 4 };
enum { MAX_READERS = 64, MAX_FRAME = 0xFFFF };
/* Longer than any deadline a client should set: the client's patience is to be tested, not ours. */
enum { ANSWER_TIMEOUT_MS = 60000, POWER_TIMEOUT_MS = 2000, NODE_CHECK_MS = 50 };

struct reader {
    int used;
    DWORD lun;
    int listener, card, wake; /* descriptors; -1 when there is none */
    atomic_int removed;       /* the USB device has been pulled out */
    int gone;                 /* a card has gone and pcscd has not yet come back to wait */
    _Atomic pthread_t waiter; /* pcscd's thread that waits for changes; 0 before it does */
    char node[64];            /* its device node; "" for a reader of reader.conf */
    unsigned char atr[MAX_ATR_SIZE];
    DWORD atr_length;
    pthread_mutex_t io; /* one exchange with the card at a time */
};

static struct reader readers[MAX_READERS];
static pthread_mutex_t readers_lock = PTHREAD_MUTEX_INITIALIZER;

static struct reader *find(DWORD lun)
{
    struct reader *found = NULL;
    pthread_mutex_lock(&readers_lock);
    for (int i = 0; i < MAX_READERS && !found; i++)
        if (readers[i].used && readers[i].lun == lun)
            found = &readers[i];
    pthread_mutex_unlock(&readers_lock);
    return found;
}

/* ---- frames ------------------------------------------------------------------------------------- */

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

/*
 * Whether the USB device is still there. pcscd can tell us of its removal only when no exchange with
 * the card is under way, so a wait for the card looks by itself.
 */
static int still_plugged(struct reader *r)
{
    if (r->node[0] && access(r->node, F_OK))
        r->removed = 1;
    return !r->removed;
}

/* Reads exactly `length` bytes before `deadline`; 0 on success, -1 when card or reader is gone or silent. */
static int read_all(struct reader *r, unsigned char *buffer, size_t length, long deadline)
{
    while (length > 0) {
        struct pollfd p = {.fd = r->card, .events = POLLIN};
        long left = deadline - now_ms();
        if (left <= 0 || !still_plugged(r))
            return -1;
        int ready = poll(&p, 1, left < NODE_CHECK_MS ? (int)left : NODE_CHECK_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        if (ready < 0)
            return -1;
        ssize_t n = recv(r->card, buffer, length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        buffer += n;
        length -= (size_t)n;
    }
    return 0;
}

static int send_frame(int fd, const unsigned char *payload, size_t length)
{
    unsigned char frame[2 + MAX_FRAME];
    if (length == 0 || length > MAX_FRAME)
        return -1;
    frame[0] = (unsigned char)(length >> 8);
    frame[1] = (unsigned char)length;
    memcpy(frame + 2, payload, length);
    for (size_t sent = 0; sent < length + 2;) {
        ssize_t n = send(fd, frame + sent, length + 2 - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        sent += (size_t)n;
    }
    return 0;
}

static int send_control(int fd, unsigned char control)
{
    return send_frame(fd, &control, 1);
}

/* Length of the frame put into `buffer`, or -1; a frame that does not fit is a broken card. */
static long receive_frame(struct reader *r, unsigned char *buffer, size_t room, int timeout_ms)
{
    unsigned char head[2];
    long deadline = now_ms() + timeout_ms;
    if (read_all(r, head, sizeof head, deadline))
        return -1;
    size_t length = (size_t)head[0] << 8 | head[1];
    if (length > room || read_all(r, buffer, length, deadline))
        return -1;
    return (long)length;
}

static void give_up_card(struct reader *r)
{
    if (r->card >= 0)
        shutdown(r->card, SHUT_RDWR);
}

/* ---- a reader comes and goes -------------------------------------------------------------------- */

/* The device node that a USB device's name ends with, or "". */
static const char *node_of(const char *name)
{
    const char *node = strstr(name, "/dev/bus/usb/");
    return node && !strncmp(name, "usb:", 4) ? node : "";
}

/* The port in "127.0.0.1:PORT", found in the name or in the device node; 0 if there is none. */
static uint16_t port_of(const char *name)
{
    static const char host[] = "127.0.0.1:";
    char text[64] = "";
    if (*node_of(name)) {
        FILE *f = fopen(node_of(name), "re");
        if (!f)
            return 0;
        if (!fgets(text, sizeof text, f))
            text[0] = '\0';
        fclose(f);
        name = text;
    }
    if (strncmp(name, host, sizeof host - 1))
        return 0;
    long port = strtol(name + sizeof host - 1, NULL, 10);
    return port > 0 && port < 65536 ? (uint16_t)port : 0;
}

static int listen_on(uint16_t port)
{
    int one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
        bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4)) {
        close(fd);
        return -1;
    }
    return fd;
}

EXPORT RESPONSECODE IFDHCreateChannelByName(DWORD Lun, LPSTR DeviceName)
{
    uint16_t port = port_of(DeviceName);
    int listener = port ? listen_on(port) : -1;
    int wake = listener < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct reader *r = NULL;

    pthread_mutex_lock(&readers_lock);
    for (int i = 0; i < MAX_READERS && wake >= 0 && !r; i++)
        if (!readers[i].used)
            r = &readers[i];
    if (r) {
        *r = (struct reader){.used = 1, .lun = Lun, .listener = listener, .card = -1, .wake = wake};
        snprintf(r->node, sizeof r->node, "%s", node_of(DeviceName));
        pthread_mutex_init(&r->io, NULL);
    }
    pthread_mutex_unlock(&readers_lock);
    if (r)
        return IFD_SUCCESS;
    fprintf(stderr, "madoguchi reader: cannot listen for \"%s\": %s\n", DeviceName,
            port ? strerror(errno) : "it names no port (want 127.0.0.1:PORT)");
    if (wake >= 0)
        close(wake);
    if (listener >= 0)
        close(listener);
    return IFD_COMMUNICATION_ERROR;
}

EXPORT RESPONSECODE IFDHCreateChannel(DWORD Lun, DWORD Channel)
{
    char name[32];
    snprintf(name, sizeof name, "127.0.0.1:%lu", (unsigned long)Channel);
    return IFDHCreateChannelByName(Lun, name);
}

EXPORT RESPONSECODE IFDHCloseChannel(DWORD Lun)
{
    struct reader *r = find(Lun);
    if (!r)
        return IFD_COMMUNICATION_ERROR;
    give_up_card(r); /* frees a transmit that still waits, so that the lock can be had */
    pthread_mutex_lock(&r->io);
    if (r->card >= 0)
        close(r->card);
    close(r->listener);
    close(r->wake);
    r->card = -1;
    pthread_mutex_unlock(&r->io);
    pthread_mutex_lock(&readers_lock);
    r->used = 0;
    pthread_mutex_unlock(&readers_lock);
    return IFD_SUCCESS;
}

/* ---- presence: driven by events, no polling ------------------------------------------------------ */

/* Waits until a card comes or goes, somebody calls wake_up, or the time is over. */
static RESPONSECODE wait_for_change(DWORD Lun, int timeout_ms)
{
    struct reader *r = find(Lun);
    if (!r)
        return IFD_NO_SUCH_DEVICE;
    if (atomic_exchange(&r->waiter, pthread_self()) != pthread_self())
        return IFD_SUCCESS; /* whoever asked before may have changed something: let this one ask as well */
    r->gone = 0;
    struct pollfd p[2] = {{.fd = r->wake, .events = POLLIN}, {.fd = r->card, .events = POLLRDHUP}};
    if (r->card < 0)
        p[1] = (struct pollfd){.fd = r->listener, .events = POLLIN};
    uint64_t calls;
    if (poll(p, r->removed ? 1 : 2, timeout_ms) > 0 && p[0].revents && read(r->wake, &calls, sizeof calls) < 0)
        return IFD_COMMUNICATION_ERROR;
    return IFD_SUCCESS; /* anything else makes pcscd sleep for 400 ms */
}

/* pcscd calls it to end the thread that waits, and whenever a client lets go of a card. */
static RESPONSECODE wake_up(DWORD Lun)
{
    struct reader *r = find(Lun);
    uint64_t one = 1;
    if (!r)
        return IFD_NO_SUCH_DEVICE;
    return write(r->wake, &one, sizeof one) < 0 ? IFD_COMMUNICATION_ERROR : IFD_SUCCESS;
}

EXPORT RESPONSECODE IFDHICCPresence(DWORD Lun)
{
    struct reader *r = find(Lun);
    if (!r || r->removed)
        return IFD_NO_SUCH_DEVICE;
    pthread_mutex_lock(&r->io);
    int waits = !r->waiter || r->waiter == pthread_self();
    struct pollfd p = {.fd = r->card, .events = POLLRDHUP};
    int present = r->card >= 0 && !(poll(&p, 1, 0) > 0 && p.revents);
    if (waits && r->card >= 0 && !present) {
        close(r->card);
        r->card = -1;
        r->atr_length = 0;
        r->gone = 1;
    } else if (waits && r->card < 0 && !r->gone) {
        int one = 1;
        r->card = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
        present = r->card >= 0;
        if (present)
            setsockopt(r->card, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    pthread_mutex_unlock(&r->io);
    return present ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
}

/* ---- talking to the card ------------------------------------------------------------------------- */

EXPORT RESPONSECODE IFDHPowerICC(DWORD Lun, DWORD Action, PUCHAR Atr, PDWORD AtrLength)
{
    struct reader *r = find(Lun);
    if (!r)
        return IFD_NO_SUCH_DEVICE;
    RESPONSECODE answer = IFD_SUCCESS;
    pthread_mutex_lock(&r->io);
    if (Action == IFD_POWER_DOWN) {
        if (r->card < 0 || send_control(r->card, CONTROL_OFF))
            answer = IFD_ERROR_POWER_ACTION;
    } else if (Action == IFD_POWER_UP || Action == IFD_RESET) {
        long length = -1;
        if (r->card >= 0 && !send_control(r->card, Action == IFD_RESET ? CONTROL_RESET : CONTROL_ON) &&
            !send_control(r->card, CONTROL_GET_ATR))
            length = receive_frame(r, r->atr, sizeof r->atr, POWER_TIMEOUT_MS);
        if (length > 0) {
            r->atr_length = (DWORD)length;
            memcpy(Atr, r->atr, (size_t)length);
            *AtrLength = (DWORD)length;
        } else {
            give_up_card(r);
            answer = IFD_ERROR_POWER_ACTION;
        }
    } else {
        answer = IFD_NOT_SUPPORTED;
    }
    pthread_mutex_unlock(&r->io);
    return answer;
}

EXPORT RESPONSECODE IFDHTransmitToICC(DWORD Lun, SCARD_IO_HEADER SendPci, PUCHAR TxBuffer, DWORD TxLength,
                                      PUCHAR RxBuffer, PDWORD RxLength, PSCARD_IO_HEADER RecvPci)
{
    struct reader *r = find(Lun);
    size_t room = *RxLength;
    *RxLength = 0;
    if (!r || r->removed)
        return IFD_NO_SUCH_DEVICE;
    if (TxLength < 4) /* no APDU; one byte would be taken for a control */
        return IFD_NOT_SUPPORTED;
    pthread_mutex_lock(&r->io);
    long length = -1;
    if (r->card >= 0 && !send_frame(r->card, TxBuffer, TxLength))
        length = receive_frame(r, RxBuffer, room, ANSWER_TIMEOUT_MS);
    if (length < 2)
        give_up_card(r);
    pthread_mutex_unlock(&r->io);
    if (length < 2)
        return IFD_COMMUNICATION_ERROR;
    *RxLength = (DWORD)length;
    RecvPci->Protocol = SendPci.Protocol;
    return IFD_SUCCESS;
}

/* ---- what the reader can do ---------------------------------------------------------------------- */

static RESPONSECODE give(const void *value, size_t size, PDWORD Length, PUCHAR Value)
{
    if (*Length < size)
        return IFD_ERROR_INSUFFICIENT_BUFFER;
    memcpy(Value, value, size);
    *Length = (DWORD)size;
    return IFD_SUCCESS;
}

EXPORT RESPONSECODE IFDHGetCapabilities(DWORD Lun, DWORD Tag, PDWORD Length, PUCHAR Value)
{
    static const unsigned char one = 1, all = MAX_READERS;
    RESPONSECODE (*const wait)(DWORD, int) = wait_for_change;
    RESPONSECODE (*const stop)(DWORD) = wake_up;
    struct reader *r = find(Lun);
    switch (Tag) {
    case TAG_IFD_ATR:
    case SCARD_ATTR_ATR_STRING:
        return r ? give(r->atr, r->atr_length, Length, Value) : IFD_NO_SUCH_DEVICE;
    case TAG_IFD_SLOTS_NUMBER:
    case TAG_IFD_THREAD_SAFE:
    case TAG_IFD_DEVICE_REMOVED: /* "yes, tell me" */
        return give(&one, 1, Length, Value);
    case TAG_IFD_SIMULTANEOUS_ACCESS:
        return give(&all, 1, Length, Value);
    case TAG_IFD_POLLING_THREAD_WITH_TIMEOUT:
        return give(&wait, sizeof wait, Length, Value);
    case TAG_IFD_STOP_POLLING_THREAD:
        return give(&stop, sizeof stop, Length, Value);
    default:
        return IFD_ERROR_TAG;
    }
}

/* pcscd tells that the USB device is gone, maybe while a client still waits for its card. */
EXPORT RESPONSECODE IFDHSetCapabilities(DWORD Lun, DWORD Tag, DWORD Length, PUCHAR Value)
{
    struct reader *r = find(Lun);
    (void)Length, (void)Value;
    if (!r || Tag != TAG_IFD_DEVICE_REMOVED)
        return IFD_NOT_SUPPORTED;
    r->removed = 1;
    shutdown(r->listener, SHUT_RDWR);
    give_up_card(r);
    return wake_up(Lun);
}

EXPORT RESPONSECODE IFDHSetProtocolParameters(DWORD Lun, DWORD Protocol, UCHAR Flags, UCHAR PTS1, UCHAR PTS2,
                                              UCHAR PTS3)
{
    (void)Lun, (void)Flags, (void)PTS1, (void)PTS2, (void)PTS3;
    return Protocol == SCARD_PROTOCOL_T0 || Protocol == SCARD_PROTOCOL_T1 ? IFD_SUCCESS
                                                                          : IFD_PROTOCOL_NOT_SUPPORTED;
}

EXPORT RESPONSECODE IFDHControl(DWORD Lun, DWORD ControlCode, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer,
                                DWORD RxLength, LPDWORD BytesReturned)
{
    (void)Lun, (void)ControlCode, (void)TxBuffer, (void)TxLength, (void)RxBuffer, (void)RxLength;
    *BytesReturned = 0;
    return IFD_ERROR_NOT_SUPPORTED; /* no PIN pad, no other feature */
}
