package benchmarks;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The counting job: decode, state by key in RocksDB with a changelog, an output for every second record.
 *
 * <p>A processor and not {@code aggregate()}: with the cache on, that gives only the last count of a commit
 * interval, and the job is due every one. The store's cache is on, as it comes: of a key that changes often between
 * two commits the changelog gets the last state only.
 *
 * <pre>java benchmarks.Counting BOOTSTRAP PREFIX PARTITIONS THREADS LINGER_MS STATE_DIR</pre>
 */
public final class Counting {
    private static final String STORE = "counts";

    private Counting() {}

    /** A click, as far as the job looks at it. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Click(String sid, long n, long v) {}

    /** What is held of a key. */
    record Count(long count, long sum, long last) {}

    /** What goes out. */
    record Counted(String sid, long n, long count, long sum) {}

    /** Counts, and tells every second click's count. */
    static final class Counter implements Processor<String, Click, String, Counted> {
        private ProcessorContext<String, Counted> context;
        private KeyValueStore<String, Count> counts;

        @Override
        public void init(ProcessorContext<String, Counted> context) {
            this.context = context;
            counts = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<String, Click> record) {
            Click click = record.value();
            Count held = counts.get(record.key());
            Count now = held == null
                    ? new Count(1, click.v(), click.n())
                    : new Count(held.count() + 1, held.sum() + click.v(), click.n());
            counts.put(record.key(), now);
            if (click.n() % 2 == 0) {
                context.forward(record.withValue(new Counted(click.sid(), click.n(), now.count(), now.sum())));
            }
        }
    }

    public static void main(String[] args) {
        String prefix = args[1];
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, prefix + "streams");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, args[3]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), args[4]);
        // Larger batches than the 16 KiB that a producer has by default: what chat2ga's has.
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 262_144);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");

        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(Stores.keyValueStoreBuilder(
                        Stores.persistentKeyValueStore(STORE), Serdes.String(), Json.of(Count.class))
                .withCachingEnabled());
        builder.stream(prefix + "clicks", Consumed.with(Serdes.String(), Json.of(Click.class)))
                .process(Counter::new, STORE)
                .to(prefix + "counts", Produced.with(Serdes.String(), Json.of(Counted.class)));

        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }
}
