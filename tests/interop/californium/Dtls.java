import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.core.network.CoapEndpoint;
import org.eclipse.californium.elements.config.CertificateAuthenticationMode;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.util.SslContextUtil;
import org.eclipse.californium.elements.util.SslContextUtil.Credentials;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConfig.DtlsRole;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.CertificateType;
import org.eclipse.californium.scandium.dtls.MaxFragmentLengthExtension.Length;
import org.eclipse.californium.scandium.dtls.x509.SingleCertificateProvider;
import org.eclipse.californium.scandium.dtls.x509.StaticNewAdvancedCertificateVerifier;

/**
 * DTLS as TbCoapDtlsSettings of ThingsBoard 4.4 sets it up: a client certificate is wanted, and any
 * will do.
 */
final class Dtls {
    private static final int CONNECTION_ID_LENGTH = 8;
    private static final int RETRANSMISSION_S = 9;
    private static final int MTU = 1024;

    private Dtls() {}

    /** An endpoint for this address; the file has the certificate and its key in PEM. */
    static CoapEndpoint endpoint(InetSocketAddress address, String file, Configuration configuration)
            throws IOException {
        configuration.set(DtlsConfig.DTLS_ROLE, DtlsRole.SERVER_ONLY);
        configuration.set(
                DtlsConfig.DTLS_CLIENT_AUTHENTICATION_MODE, CertificateAuthenticationMode.WANTED);
        configuration.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, CONNECTION_ID_LENGTH);
        configuration.set(
                DtlsConfig.DTLS_RETRANSMISSION_TIMEOUT, RETRANSMISSION_S, TimeUnit.SECONDS);
        configuration.set(DtlsConfig.DTLS_MAX_TRANSMISSION_UNIT, MTU);
        configuration.set(DtlsConfig.DTLS_MAX_FRAGMENT_LENGTH, Length.BYTES_1024);
        DtlsConnectorConfig.Builder dtls = DtlsConnectorConfig.builder(configuration);
        dtls.setAddress(address);
        dtls.setCertificateIdentityProvider(identity(file));
        dtls.setAdvancedCertificateVerifier(
                StaticNewAdvancedCertificateVerifier.builder().setTrustAllCertificates().build());
        return CoapEndpoint.builder()
                .setConfiguration(configuration)
                .setConnector(new DTLSConnector(dtls.build()))
                .build();
    }

    private static SingleCertificateProvider identity(String file) throws IOException {
        try {
            Credentials credentials = SslContextUtil.loadCredentials(file);
            return new SingleCertificateProvider(
                    credentials.getPrivateKey(),
                    credentials.getCertificateChain(),
                    CertificateType.X_509);
        } catch (GeneralSecurityException error) {
            throw new IOException(error);
        }
    }
}
