import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.CoapResource;
import org.eclipse.californium.core.CoapServer;
import org.eclipse.californium.core.coap.BlockOption;
import org.eclipse.californium.core.coap.CoAP.ResponseCode;
import org.eclipse.californium.core.coap.Response;
import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.core.server.resources.CoapExchange;
import org.eclipse.californium.core.server.resources.Resource;
import org.eclipse.californium.elements.config.Configuration;

/**
 * A server made of Californium, which is set up and called as ThingsBoard does it.
 *
 * <p>Its argument is a PEM file with a certificate and its key, for DTLS. It tells its ports on
 * standard output, the one for DTLS last, and does what lines on standard input say, each of which
 * it answers with them:
 *
 * <pre>
 * package TITLE VERSION FILE   what is served under /fw
 * attribute NAME NUMBER        a shared attribute changes
 * burst NAME COUNT GAP         it becomes 0 to COUNT - 1, after so many milliseconds each
 * meet NAME NUMBER             it changes between the next registration and its answer
 * restart                      forgets transfers, observations and message ids; the port stays
 * </pre>
 *
 * It ends with standard input.
 */
public final class Server {
    private static final int BLOCK_SIZE = 1024;
    private static final int MAX_BODY_SIZE = 256 * 1024 * 1024;
    private static final int TRANSFER_LIFETIME_S = 300;

    /** What a look-up in the database takes, about. */
    static final int LOOK_UP_MS = 50;

    private static final int SLOW_MS = 300;

    static final ScheduledExecutorService backEnd = Executors.newScheduledThreadPool(2);

    public static void main(String[] arguments) throws IOException, InterruptedException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        Packages packages = new Packages();
        Attributes attributes = new Attributes();
        int[] ports = {0, 0};
        CoapServer server = start(ports, arguments[0], packages, attributes);
        for (int i = 0; i < ports.length; i++) {
            ports[i] = server.getEndpoints().get(i).getAddress().getPort();
        }
        System.out.println(ports[0] + " " + ports[1]);
        String line;
        while ((line = input.readLine()) != null) {
            String[] words = line.split(" ");
            if (words[0].equals("package")) {
                packages.assign(words[1], words[2], Files.readAllBytes(Path.of(words[3])));
            } else if (words[0].equals("attribute")) {
                attributes.set(words[1], Integer.parseInt(words[2]));
            } else if (words[0].equals("burst")) {
                for (int n = 0; n < Integer.parseInt(words[2]); n++) {
                    attributes.set(words[1], n);
                    Thread.sleep(Integer.parseInt(words[3]));
                }
            } else if (words[0].equals("meet")) {
                attributes.meet(words[1], Integer.parseInt(words[2]));
            } else if (words[0].equals("restart")) {
                server.destroy();
                attributes.forget();
                server = start(ports, arguments[0], packages, attributes);
            } else {
                throw new IllegalArgumentException(line);
            }
            System.out.println(ports[0] + " " + ports[1]);
        }
        System.exit(0);
    }

    private static CoapServer start(
            int[] ports, String identity, Packages packages, Attributes attributes)
            throws IOException {
        Configuration configuration = configuration();
        CoapServer server = new CoapServer(configuration);
        CoapEndpoint.Builder endpoint = new CoapEndpoint.Builder();
        InetAddress address = InetAddress.getLoopbackAddress();
        endpoint.setInetSocketAddress(new InetSocketAddress(address, ports[0]));
        endpoint.setConfiguration(configuration);
        server.addEndpoint(endpoint.build());
        server.addEndpoint(
                Dtls.endpoint(
                        new InetSocketAddress(address, ports[1]), identity, configuration()));
        server.add(new Store("store", false), new Store("typed", true), new Slow());
        server.add(packages, attributes.root());
        server.start();
        return server;
    }

    /** As DefaultCoapServerService of ThingsBoard 4.4 has it. */
    private static Configuration configuration() {
        Configuration configuration = new Configuration();
        configuration.set(CoapConfig.BLOCKWISE_STRICT_BLOCK2_OPTION, true);
        configuration.set(CoapConfig.BLOCKWISE_ENTITY_TOO_LARGE_AUTO_FAILOVER, true);
        configuration.set(
                CoapConfig.BLOCKWISE_STATUS_LIFETIME, TRANSFER_LIFETIME_S, TimeUnit.SECONDS);
        configuration.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, MAX_BODY_SIZE);
        configuration.set(CoapConfig.RESPONSE_MATCHING, CoapConfig.MatcherMode.RELAXED);
        configuration.set(CoapConfig.PREFERRED_BLOCK_SIZE, BLOCK_SIZE);
        configuration.set(CoapConfig.MAX_MESSAGE_SIZE, BLOCK_SIZE);
        configuration.set(CoapConfig.MAX_RETRANSMIT, 4);
        return configuration;
    }

    /**
     * GET /fw/TOKEN?title=..&version=.., as OtaPackageTransportResource of ThingsBoard does it.
     *
     * <p>Any token will do. The answer is the whole package with the Block2 option of the request;
     * all else is left to Californium.
     */
    private static final class Packages extends CoapResource {
        private record Assigned(String title, String version, byte[] data) {}

        private volatile Assigned assigned;

        Packages() {
            super("fw");
            setObservable(true);
        }

        void assign(String title, String version, byte[] data) {
            assigned = new Assigned(title, version, data);
        }

        @Override
        public Resource getChild(String name) {
            return this;
        }

        @Override
        public void handleGET(CoapExchange exchange) {
            exchange.accept();
            backEnd.schedule(() -> answer(exchange), LOOK_UP_MS, TimeUnit.MILLISECONDS);
        }

        private void answer(CoapExchange exchange) {
            Assigned now = assigned;
            if (now == null) {
                exchange.respond(ResponseCode.NOT_FOUND);
            } else if (!now.title.equals(exchange.getQueryParameter("title"))
                    || !now.version.equals(exchange.getQueryParameter("version"))) {
                exchange.respond(ResponseCode.BAD_REQUEST);
            } else {
                Response response = new Response(ResponseCode.CONTENT);
                response.setPayload(now.data);
                BlockOption block = exchange.getRequestOptions().getBlock2();
                if (block != null) {
                    // The length is compared with the exponent: ThingsBoard's fault.
                    boolean more = now.data.length <= block.getSzx();
                    response.getOptions().setBlock2(block.getSzx(), more, block.getNum());
                }
                exchange.respond(response);
            }
        }
    }

    /**
     * Keeps what is PUT there and tells observers.
     *
     * <p>Typed answers have the type of the request, as most of ThingsBoard's: a CON is answered by
     * a CON, without an ACK. Others come in the ACK.
     */
    private static final class Store extends CoapResource {
        private final boolean typed;
        private volatile byte[] content = {};

        Store(String name, boolean typed) {
            super(name);
            this.typed = typed;
            setObservable(true);
        }

        @Override
        public void handleGET(CoapExchange exchange) {
            Response response = new Response(ResponseCode.CONTENT);
            response.setPayload(content);
            respond(exchange, response);
        }

        @Override
        public void handlePUT(CoapExchange exchange) {
            content = exchange.getRequestPayload();
            respond(exchange, new Response(ResponseCode.CHANGED));
            changed();
        }

        private void respond(CoapExchange exchange, Response response) {
            if (typed) {
                response.setConfirmable(exchange.advanced().getRequest().isConfirmable());
            }
            exchange.respond(response);
        }
    }

    /** Acknowledges at once and answers later. */
    private static final class Slow extends CoapResource {
        Slow() {
            super("slow");
        }

        @Override
        public void handleGET(CoapExchange exchange) {
            exchange.accept();
            backEnd.schedule(() -> exchange.respond("late"), SLOW_MS, TimeUnit.MILLISECONDS);
        }
    }
}
