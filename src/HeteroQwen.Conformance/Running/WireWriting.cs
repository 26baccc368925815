using System.Globalization;
using System.Text.Json;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>What goes from worker to parent, one JSON value a line.</summary>
internal static class WireWriting
{
    public static void Write(Utf8JsonWriter json, CaseInfo info)
    {
        json.WriteStartObject();
        json.WriteString("id", info.Id);
        json.WriteString("kind", $"{info.Kind}");
        json.WriteString("op", info.Op);
        json.WriteString("precision", info.Precision?.ToString());
        json.WriteBoolean("dense", info.Dense);
        json.WriteBoolean("moe", info.Moe);
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, CaseResult result)
    {
        json.WriteStartObject();
        json.WriteString("id", result.Id);
        json.WriteString("status", $"{result.Status}");
        json.WriteString("reason", result.Reason);
        json.WriteNumber("seconds", Math.Round(result.Seconds, 6));
        if (result.Metrics is { } metrics)
        {
            json.WriteStartObject("metrics");
            WriteReal(json, "worst", metrics.Worst);
            WriteReal(json, "nmse", metrics.Nmse);
            WriteReal(json, "max_ulp", metrics.MaxUlp);
            WriteReal(json, "bias", metrics.Bias);
            json.WriteString("bound", metrics.Bound);
            json.WriteEndObject();
        }

        if (result.Errors is { } errors)
        {
            json.WriteStartObject("errors");
            json.WriteNumber("rows", errors.Rows);
            json.WriteNumber("columns", errors.Columns);
            json.WriteStartArray("worst");
            foreach (float error in errors.Worst)
            {
                json.WriteStringValue(error.ToString("G4", CultureInfo.InvariantCulture));
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, DeviceFacts device)
    {
        json.WriteStartObject();
        json.WriteString("id", device.Id);
        json.WriteString("name", device.Name);
        WriteStrings(json, "notes", device.Notes);
        json.WriteNumber("memory_bytes", device.MemoryBytes);
        WriteStrings(json, "precisions", device.Precisions.Select(p => $"{p}"));
        WriteStrings(json, "types", device.Types);
        json.WriteString("determinism", $"{device.Determinism}");
        json.WriteStartArray("numerics");
        foreach (Numerics numerics in device.Numerics)
        {
            Write(json, numerics);
        }

        json.WriteEndArray();
        json.WriteStartArray("assemblies");
        foreach (AssemblyFacts assembly in device.Assemblies)
        {
            json.WriteStartObject();
            json.WriteString("name", assembly.Name);
            json.WriteString("version", assembly.Version);
            json.WriteString("sha256", assembly.Sha256);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, ModelLowering lowering)
    {
        json.WriteStartObject();
        json.WriteString("precision", $"{lowering.Precision}");
        json.WriteString("family", $"{lowering.Family}");
        json.WriteStartArray("host_ops");
        foreach (HostOp op in lowering.HostOps)
        {
            json.WriteStartObject();
            json.WriteString("op", op.Op);
            json.WriteString("reason", op.Reason);
            json.WriteNumber("flop_share", op.FlopShare);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteStrings(json, "device_ops", lowering.DeviceOps);
        WriteStrings(json, "opened", lowering.Opened);
        WriteStrings(json, "quantised_linears", lowering.QuantisedLinears);
        json.WriteEndObject();
    }

    /// <summary>A number; as a string where JSON has none for it.</summary>
    public static void WriteReal(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
        }
    }

    public static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, Numerics numerics)
    {
        json.WriteStartObject();
        json.WriteString("op", numerics.Op);
        json.WriteString("precision", $"{numerics.Precision}");
        Write(json, "operands", numerics.Operands);
        Write(json, "weights", numerics.Weights);
        Write(json, "results", numerics.Results);
        json.WriteNumber("accumulate_bits", numerics.AccumulateBits);
        json.WriteBoolean("flushes", numerics.FlushesSubnormals);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, Rounding rounding)
    {
        json.WriteStartObject(name);
        json.WriteString("kind", $"{rounding.Kind}");
        json.WriteNumber("bits", rounding.SignificandBits);
        json.WriteNumber("max_exponent", rounding.MaxExponent);
        json.WriteNumber("block", rounding.Block);
        json.WriteBoolean("truncates", rounding.Truncates);
        json.WriteEndObject();
    }
}
