/* Prints a room, its history first: reader tcp://127.0.0.1:5557 lobby; cc -o reader reader.c -lzmq */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>
static long long number(const char *line, const char *key) { /* no text has "seq": inside of it */
    return (line = strstr(line, key)) ? atoll(line + strlen(key)) : 0; }
int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: %s FEED ROOM\n", argv[0]), 2;
    static char asked[512], answer[2 << 20], topic[512], body[1 << 19], epoch[64], *life;
    long long cursor = 0, count = 0, last = 0, end = 0, seq, ask = 1, nonce = 0, size;
    void *feed = zmq_socket(zmq_ctx_new(), ZMQ_SUB);
    zmq_setsockopt(feed, ZMQ_SUBSCRIBE, topic, snprintf(topic, 512, "room/%s/", argv[2]));
    zmq_setsockopt(feed, ZMQ_RCVTIMEO, &(int){5000}, sizeof(int));
    for (zmq_connect(feed, argv[1]);; fflush(stdout)) {
        if (ask) { /* for what is behind the cursor, by a subscription */
            zmq_setsockopt(feed, ZMQ_UNSUBSCRIBE, asked, strlen(asked));
            snprintf(asked, 512, "replay/%s/%lld/%d-%lld", argv[2], cursor, getpid(), nonce++);
            zmq_setsockopt(feed, ZMQ_SUBSCRIBE, asked, strlen(asked));
            ask = count = end = 0;
        }
        if ((size = zmq_recv(feed, topic, 511, 0)) < 0) { ask = *asked; continue; } /* was lost */
        topic[size] = 0, body[zmq_recv(feed, body, sizeof body - 1, 0)] = 0;
        for (char *line = strtok(body, "\n"); line; line = strtok(NULL, "\n")) {
            seq = number(line, "\"seq\":"), life = strstr(line, "\"epoch\":"); /* of a marker */
            if (life && strncmp(life, epoch, strlen(epoch))) cursor = 0, ask = 1; /* another one */
            else if (!strcmp(topic, asked) && !life)
                end += sprintf(answer + end, "%s\n", line), last = seq, count++;
            else if (!strcmp(topic, asked)) { /* with less than its count it is not whole */
                ask = count != number(line, "\"count\":") || strstr(line, "\"more\":true");
                if (count && count == number(line, "\"count\":")) fputs(answer, stdout), cursor = last;
                zmq_setsockopt(feed, ZMQ_UNSUBSCRIBE, asked, strlen(asked)), *asked = 0;
            } else if (!*asked && seq > cursor && !(ask = life || number(line, "\"prev\":") > cursor))
                puts(line), cursor = seq;
            if (life) sscanf(life, "%63[^,}]", epoch);
        }
    }
}
