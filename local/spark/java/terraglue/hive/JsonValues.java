package terraglue.hive;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Date;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.hadoop.hive.common.type.HiveChar;
import org.apache.hadoop.hive.common.type.HiveDecimal;
import org.apache.hadoop.hive.common.type.HiveVarchar;
import org.apache.hadoop.hive.serde2.SerDeException;
import org.apache.hadoop.hive.serde2.objectinspector.ListObjectInspector;
import org.apache.hadoop.hive.serde2.objectinspector.MapObjectInspector;
import org.apache.hadoop.hive.serde2.objectinspector.ObjectInspector;
import org.apache.hadoop.hive.serde2.objectinspector.PrimitiveObjectInspector;
import org.apache.hadoop.hive.serde2.objectinspector.StructField;
import org.apache.hadoop.hive.serde2.objectinspector.StructObjectInspector;
import org.apache.hadoop.hive.serde2.typeinfo.ListTypeInfo;
import org.apache.hadoop.hive.serde2.typeinfo.MapTypeInfo;
import org.apache.hadoop.hive.serde2.typeinfo.StructTypeInfo;
import org.apache.hadoop.hive.serde2.typeinfo.TypeInfo;

/** Conversion between JSON and Hive's values. */
final class JsonValues {
    private JsonValues() {}

    static Map byLowerCaseKey(JsonNode object) {
        Map values = new HashMap();
        Iterator fields = object.fields();
        while (fields.hasNext()) {
            Map.Entry field = (Map.Entry) fields.next();
            values.put(((String) field.getKey()).toLowerCase(), field.getValue());
        }
        return values;
    }

    /** Returns the value as Hive's standard Java object. Strings that hold a number are numbers. */
    static Object read(JsonNode node, TypeInfo type, String column) throws SerDeException {
        if (node == null || node.isNull()) {
            return null;
        }
        try {
            if (type instanceof ListTypeInfo) {
                return list(node, ((ListTypeInfo) type).getListElementTypeInfo(), column);
            }
            if (type instanceof MapTypeInfo) {
                return map(node, (MapTypeInfo) type, column);
            }
            if (type instanceof StructTypeInfo) {
                return struct(node, (StructTypeInfo) type, column);
            }
            return primitive(node, type.getTypeName());
        } catch (IllegalArgumentException error) {
            throw new SerDeException(
                    "The column " + column + " of type " + type.getTypeName() + " cannot be " + node);
        }
    }

    private static Object list(JsonNode node, TypeInfo element, String column) throws SerDeException {
        if (!node.isArray()) {
            throw new IllegalArgumentException();
        }
        List values = new ArrayList();
        for (int i = 0; i < node.size(); i++) {
            values.add(read((JsonNode) node.get(i), element, column));
        }
        return values;
    }

    private static Object map(JsonNode node, MapTypeInfo type, String column) throws SerDeException {
        if (!node.isObject()) {
            throw new IllegalArgumentException();
        }
        Map values = new LinkedHashMap();
        Iterator fields = node.fields();
        while (fields.hasNext()) {
            Map.Entry field = (Map.Entry) fields.next();
            JsonNode key = JsonNodeFactory.instance.textNode((String) field.getKey());
            values.put(
                    read(key, type.getMapKeyTypeInfo(), column),
                    read((JsonNode) field.getValue(), type.getMapValueTypeInfo(), column));
        }
        return values;
    }

    private static Object struct(JsonNode node, StructTypeInfo type, String column) throws SerDeException {
        if (!node.isObject()) {
            throw new IllegalArgumentException();
        }
        Map found = byLowerCaseKey(node);
        List names = type.getAllStructFieldNames();
        List types = type.getAllStructFieldTypeInfos();
        List values = new ArrayList();
        for (int i = 0; i < names.size(); i++) {
            JsonNode value = (JsonNode) found.get(((String) names.get(i)).toLowerCase());
            values.add(read(value, (TypeInfo) types.get(i), column + "." + names.get(i)));
        }
        return values;
    }

    private static Object primitive(JsonNode node, String type) {
        String text = node.isValueNode() ? node.asText() : node.toString();
        if (type.equals("string")) {
            return text;
        }
        if (type.startsWith("varchar")) {
            return new HiveVarchar(text, length(type));
        }
        if (type.startsWith("char")) {
            return new HiveChar(text, length(type));
        }
        if (!node.isValueNode()) {
            throw new IllegalArgumentException();
        }
        if (type.equals("boolean")) {
            if (!text.equalsIgnoreCase("true") && !text.equalsIgnoreCase("false")) {
                throw new IllegalArgumentException();
            }
            return Boolean.valueOf(text);
        }
        if (type.equals("date")) {
            return Date.valueOf(text.length() > 10 ? text.substring(0, 10) : text);
        }
        if (type.equals("timestamp")) {
            return timestamp(node, text);
        }
        if (type.equals("binary")) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        return number(text.trim(), type);
    }

    private static Object number(String text, String type) {
        if (text.isEmpty()) {
            return null;
        }
        if (type.equals("double")) {
            return Double.valueOf(text);
        }
        if (type.equals("float")) {
            return Float.valueOf(text);
        }
        BigDecimal value = new BigDecimal(text);
        if (type.startsWith("decimal")) {
            return HiveDecimal.create(value);
        }
        try {
            long whole = value.longValueExact();
            if (type.equals("bigint")) {
                return Long.valueOf(whole);
            }
            if (type.equals("int")) {
                return Integer.valueOf(Math.toIntExact(whole));
            }
            if (type.equals("smallint")) {
                return Short.valueOf(Long.toString(whole));
            }
            return Byte.valueOf(Long.toString(whole));
        } catch (ArithmeticException error) {
            throw new IllegalArgumentException();
        }
    }

    /** Numbers are seconds since 1970, or milliseconds if they have no fraction and are too large for seconds. */
    private static Timestamp timestamp(JsonNode node, String text) {
        if (node.isNumber()) {
            double number = node.asDouble();
            return new Timestamp(Math.round(Math.abs(number) > 1e11 ? number : number * 1000));
        }
        String plain = text.replace('T', ' ');
        if (plain.endsWith("Z")) {
            return Timestamp.from(java.time.Instant.parse(text.replace(' ', 'T')));
        }
        return Timestamp.valueOf(plain.length() == 10 ? plain + " 00:00:00" : plain);
    }

    private static int length(String type) {
        return Integer.parseInt(type.substring(type.indexOf('(') + 1, type.indexOf(')')));
    }

    /** Returns a row or a nested value as JSON. `names` are the keys of a row, or null for those of its type. */
    static JsonNode write(Object value, ObjectInspector inspector, String[] names) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        if (value == null) {
            return nodes.nullNode();
        }
        if (inspector instanceof StructObjectInspector) {
            StructObjectInspector struct = (StructObjectInspector) inspector;
            ObjectNode object = nodes.objectNode();
            List fields = struct.getAllStructFieldRefs();
            for (int i = 0; i < fields.size(); i++) {
                StructField field = (StructField) fields.get(i);
                Object content = struct.getStructFieldData(value, field);
                if (content != null) {
                    String name = names == null ? field.getFieldName() : names[i];
                    object.set(name, write(content, field.getFieldObjectInspector(), null));
                }
            }
            return object;
        }
        if (inspector instanceof ListObjectInspector) {
            ListObjectInspector list = (ListObjectInspector) inspector;
            ArrayNode array = nodes.arrayNode();
            for (int i = 0; i < list.getListLength(value); i++) {
                array.add(write(list.getListElement(value, i), list.getListElementObjectInspector(), null));
            }
            return array;
        }
        if (inspector instanceof MapObjectInspector) {
            MapObjectInspector map = (MapObjectInspector) inspector;
            ObjectNode object = nodes.objectNode();
            Iterator entries = map.getMap(value).entrySet().iterator();
            while (entries.hasNext()) {
                Map.Entry entry = (Map.Entry) entries.next();
                String key = write(entry.getKey(), map.getMapKeyObjectInspector(), null).asText();
                object.set(key, write(entry.getValue(), map.getMapValueObjectInspector(), null));
            }
            return object;
        }
        Object plain = ((PrimitiveObjectInspector) inspector).getPrimitiveJavaObject(value);
        if (plain instanceof Boolean) {
            return nodes.booleanNode(((Boolean) plain).booleanValue());
        }
        if (plain instanceof Float || plain instanceof Double) {
            return nodes.numberNode(((Number) plain).doubleValue());
        }
        if (plain instanceof Number) {
            return nodes.numberNode(((Number) plain).longValue());
        }
        if (plain instanceof HiveDecimal) {
            return nodes.numberNode(((HiveDecimal) plain).bigDecimalValue());
        }
        if (plain instanceof byte[]) {
            return nodes.textNode(new String((byte[]) plain, StandardCharsets.UTF_8));
        }
        return nodes.textNode(plain.toString());
    }
}
