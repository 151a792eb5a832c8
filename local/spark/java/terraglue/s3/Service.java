package terraglue.s3;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UnsupportedEncodingException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URL;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.apache.hadoop.conf.Configuration;

/**
 * S3 over HTTP: the requests of the file system, with their retries and errors.
 *
 * <p>Requests name the access key of the job's role, by which the emulator checks the role's policies. They have
 * no signature, because the emulator does not check signatures.
 */
final class Service {
    private static final int ATTEMPTS = 5;
    private static final int TIMEOUT_MILLISECONDS = 120000;
    private static final String UNRESERVED = "-._~/";

    private final String endpoint;
    private final String authorization;
    private final String token;
    private final long pause;

    /** Spark copies the credentials of the process's environment into the properties of S3A. */
    Service(Configuration conf) {
        String address = conf.get("terraglue.s3.endpoint", System.getenv("AWS_ENDPOINT_URL"));
        if (address == null) {
            throw new IllegalStateException("The endpoint of S3 is unknown: AWS_ENDPOINT_URL is not set.");
        }
        endpoint = address.endsWith("/") ? address.substring(0, address.length() - 1) : address;
        String region = System.getenv("AWS_REGION");
        authorization = "AWS4-HMAC-SHA256 Credential=" + conf.get("fs.s3a.access.key", "none") + "/20000101/"
            + (region == null ? "us-east-1" : region)
            + "/s3/aws4_request, SignedHeaders=host, Signature=unchecked";
        token = conf.get("fs.s3a.session.token");
        pause = conf.getLong("terraglue.s3.pause.milliseconds", 100L);
    }

    String endpoint() {
        return endpoint;
    }

    /** Returns the description of an object, or null if there is none. */
    Entry head(String bucket, String key) throws IOException {
        Answer answer = send("HEAD", bucket, key, "", null, null);
        if (answer.status == 404) {
            return null;
        }
        if (answer.status == 403) { // the answer to HEAD has no body; that to GET says what is missing
            TreeMap first = new TreeMap();
            first.put("Range", "bytes=0-0");
            answer = send("GET", bucket, key, "", first, null);
        }
        if (answer.status == 416) {
            return new Entry(key, 0L, answer.modified);
        }
        succeeded(answer, bucket, key);
        return new Entry(key, answer.length, answer.modified);
    }

    /** Reads a range of an object. The answer's status is 416 if the object ends before it. */
    Answer get(String bucket, String key, long start, long end, String tag) throws IOException {
        TreeMap headers = new TreeMap();
        headers.put("Range", "bytes=" + start + "-" + (end - 1));
        if (tag != null) {
            headers.put("If-Match", tag);
        }
        Answer answer = send("GET", bucket, key, "", headers, null);
        if (answer.status != 416) {
            succeeded(answer, bucket, key);
        }
        return answer;
    }

    /** Lists a page of at most `most` keys that begin with a prefix, from the page's token or null. */
    Listing list(String bucket, String prefix, boolean isFlat, int most, String page) throws IOException {
        StringBuilder query = new StringBuilder("list-type=2&encoding-type=url&max-keys=").append(most);
        query.append("&prefix=").append(encoded(prefix, false));
        if (!isFlat) {
            query.append("&delimiter=%2F");
        }
        if (page != null) {
            query.append("&continuation-token=").append(encoded(page, false));
        }
        Answer answer = send("GET", bucket, "", query.toString(), null, null);
        succeeded(answer, bucket, prefix);
        return new Listing(answer.body);
    }

    void put(String bucket, String key, File file) throws IOException {
        TreeMap headers = new TreeMap();
        headers.put("Content-Type", "binary/octet-stream");
        succeeded(send("PUT", bucket, key, "", headers, file), bucket, key);
    }

    void copy(String bucket, String from, String to) throws IOException {
        TreeMap headers = new TreeMap();
        headers.put("x-amz-copy-source", "/" + bucket + "/" + encoded(from, true));
        Answer answer = send("PUT", bucket, to, "", headers, null);
        succeeded(answer, bucket, to);
        failUnlessComplete(answer, bucket, to);
    }

    void delete(String bucket, String key) throws IOException {
        succeeded(send("DELETE", bucket, key, "", null, null), bucket, key);
    }

    /** Deletes at most 1,000 objects, the limit of DeleteObjects. */
    void delete(String bucket, List keys) throws IOException {
        StringBuilder text = new StringBuilder("<Delete><Quiet>true</Quiet>");
        for (Iterator each = keys.iterator(); each.hasNext();) {
            text.append("<Object><Key>").append(escaped((String) each.next())).append("</Key></Object>");
        }
        byte[] body = text.append("</Delete>").toString().getBytes("UTF-8");
        TreeMap headers = new TreeMap();
        headers.put("Content-Type", "application/xml");
        headers.put("Content-MD5", md5(body)); // required by S3
        Answer answer = send("POST", bucket, "", "delete", headers, body);
        succeeded(answer, bucket, (String) keys.get(0));
        failUnlessComplete(answer, bucket, (String) keys.get(0));
    }

    /** Copies and deletions can fail with status 200, with the error in the body. */
    private static void failUnlessComplete(Answer answer, String bucket, String key) throws IOException {
        if (answer.text().contains("<Error>")) {
            String code = answer.element("Code");
            throw failure(code.equals("AccessDenied") ? 403 : 500, answer, bucket, key);
        }
    }

    private static void succeeded(Answer answer, String bucket, String key) throws IOException {
        if (answer.status >= 300) {
            throw failure(answer.status, answer, bucket, key);
        }
    }

    private static IOException failure(int status, Answer answer, String bucket, String key) {
        String place = "s3://" + bucket + "/" + key;
        String code = answer.element("Code");
        String message = answer.element("Message");
        if (status == 403) {
            return new AccessDeniedException(place, null, message.isEmpty() ? "Access Denied" : message);
        }
        if (code.equals("NoSuchBucket")) {
            return new FileNotFoundException(place + ": The bucket " + bucket + " does not exist.");
        }
        if (status == 404) {
            return new FileNotFoundException("No such file or directory: " + place);
        }
        if (status == 412) {
            return new IOException(place + ": The object was replaced while it was read.");
        }
        return new IOException(place + ": " + code + " " + message + " (HTTP status " + answer.status + ")");
    }

    /** Sends a request until its answer is final. `body` is a file, an array of bytes or null. */
    private Answer send(String method, String bucket, String key, String query, Map headers, Object body)
            throws IOException {
        URL url = new URL(endpoint + "/" + bucket + "/" + encoded(key, true)
            + (query.isEmpty() ? "" : "?" + query));
        int attempt = 1;
        while (true) {
            try {
                Answer answer = sendOnce(method, url, headers, body);
                if (!answer.isTransient() || attempt == ATTEMPTS) {
                    return answer;
                }
            } catch (IOException error) { // the connection broke; every request may be repeated
                if (attempt == ATTEMPTS) {
                    throw new IOException(
                        method + " s3://" + bucket + "/" + key + ": " + error.getMessage(), error);
                }
            }
            try {
                Thread.sleep(pause << attempt);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new java.io.InterruptedIOException("interrupted");
            }
            attempt++;
        }
    }

    private Answer sendOnce(String method, URL url, Map headers, Object body) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) url.openConnection(Proxy.NO_PROXY);
        connection.setRequestMethod(method);
        connection.setConnectTimeout(TIMEOUT_MILLISECONDS);
        connection.setReadTimeout(TIMEOUT_MILLISECONDS);
        connection.setUseCaches(false);
        connection.setInstanceFollowRedirects(false);
        connection.setRequestProperty("Authorization", authorization);
        if (token != null) {
            connection.setRequestProperty("X-Amz-Security-Token", token);
        }
        if (headers != null) {
            for (Iterator each = headers.entrySet().iterator(); each.hasNext();) {
                Map.Entry header = (Map.Entry) each.next();
                connection.setRequestProperty((String) header.getKey(), (String) header.getValue());
            }
        }
        if (body != null) {
            connection.setDoOutput(true);
            if (body instanceof File) {
                File file = (File) body;
                connection.setFixedLengthStreamingMode(file.length());
                OutputStream out = connection.getOutputStream();
                Files.copy(file.toPath(), out);
                out.close();
            } else {
                byte[] bytes = (byte[]) body;
                connection.setFixedLengthStreamingMode(bytes.length);
                OutputStream out = connection.getOutputStream();
                out.write(bytes);
                out.close();
            }
        } else if (method.equals("PUT")) {
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(0);
            connection.getOutputStream().close();
        }
        return new Answer(connection, method);
    }

    private static String md5(byte[] body) {
        try {
            return Base64.getEncoder().encodeToString(MessageDigest.getInstance("MD5").digest(body));
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Percent-encodes UTF-8 as S3 requires: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
    static String encoded(String text, boolean isPath) throws UnsupportedEncodingException {
        StringBuilder encoded = new StringBuilder();
        byte[] bytes = text.getBytes("UTF-8");
        for (int i = 0; i < bytes.length; i++) {
            char c = (char) (bytes[i] & 255);
            boolean isPlain = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
            if (isPlain || UNRESERVED.indexOf(c) >= 0 && (isPath || c != '/')) {
                encoded.append(c);
            } else {
                encoded.append('%').append(Character.toUpperCase(Character.forDigit(c >> 4, 16)));
                encoded.append(Character.toUpperCase(Character.forDigit(c & 15, 16)));
            }
        }
        return encoded.toString();
    }

    private static String escaped(String text) {
        StringBuilder escaped = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '&' || c == '<' || c == '>' || c < ' ') {
                escaped.append("&#").append((int) c).append(';');
            } else {
                escaped.append(c);
            }
        }
        return escaped.toString();
    }
}
