package terraglue.hive;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hive.serde2.AbstractSerDe;
import org.apache.hadoop.hive.serde2.SerDeException;
import org.apache.hadoop.hive.serde2.SerDeStats;
import org.apache.hadoop.hive.serde2.objectinspector.ObjectInspector;
import org.apache.hadoop.hive.serde2.typeinfo.StructTypeInfo;
import org.apache.hadoop.hive.serde2.typeinfo.TypeInfoFactory;
import org.apache.hadoop.hive.serde2.typeinfo.TypeInfoUtils;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.Writable;

/**
 * Reads and writes a JSON object per line. Keys match columns and fields of structs regardless of case.
 *
 * <p>Supports the properties `mapping.COLUMN` and `ignore.malformed.json`:
 * https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
 */
public class JsonSerDe extends AbstractSerDe {
    private static final ObjectMapper JSON = new ObjectMapper();

    private StructTypeInfo rowType;
    private ObjectInspector inspector;
    private String[] keys;
    private boolean ignoresMalformed;

    public void initialize(Configuration conf, Properties table) throws SerDeException {
        String separator = table.getProperty("column.name.delimiter", ",");
        String names = table.getProperty("columns", "");
        List columns = names.isEmpty() ? new ArrayList() : Arrays.asList(names.split(separator));
        List types = TypeInfoUtils.getTypeInfosFromTypeString(table.getProperty("columns.types", ""));
        rowType = (StructTypeInfo) TypeInfoFactory.getStructTypeInfo(columns, types);
        inspector = TypeInfoUtils.getStandardJavaObjectInspectorFromTypeInfo(rowType);
        keys = new String[columns.size()];
        for (int i = 0; i < keys.length; i++) {
            String column = (String) columns.get(i);
            keys[i] = table.getProperty("mapping." + column, column).toLowerCase();
        }
        ignoresMalformed = Boolean.parseBoolean(table.getProperty("ignore.malformed.json", "false"));
    }

    public Object deserialize(Writable line) throws SerDeException {
        List row = new ArrayList(keys.length);
        JsonNode object = parse(line.toString());
        Map values = object == null ? null : JsonValues.byLowerCaseKey(object);
        for (int i = 0; i < keys.length; i++) {
            String column = (String) rowType.getAllStructFieldNames().get(i);
            JsonNode value = values == null ? null : (JsonNode) values.get(keys[i]);
            row.add(
                    JsonValues.read(
                            value,
                            (org.apache.hadoop.hive.serde2.typeinfo.TypeInfo)
                                    rowType.getAllStructFieldTypeInfos().get(i),
                            column));
        }
        return row;
    }

    private JsonNode parse(String line) throws SerDeException {
        if (line.trim().isEmpty()) {
            return null;
        }
        String problem;
        try {
            JsonNode node = JSON.readTree(line);
            if (node.isObject()) {
                return node;
            }
            problem = "it is not an object";
        } catch (IOException error) {
            problem = error.getMessage().split("\n")[0];
        }
        if (ignoresMalformed) {
            return null;
        }
        throw new SerDeException("Row is not a valid JSON Object - " + problem);
    }

    public Writable serialize(Object row, ObjectInspector rowInspector) throws SerDeException {
        return new Text(JsonValues.write(row, rowInspector, keys).toString());
    }

    public ObjectInspector getObjectInspector() {
        return inspector;
    }

    public Class getSerializedClass() {
        return Text.class;
    }

    public SerDeStats getSerDeStats() {
        return null;
    }
}
