package org.apache.hive.hcatalog.data;

/** The SerDe of JSON tables under Hive's name. */
public class JsonSerDe extends terraglue.hive.JsonSerDe {}
