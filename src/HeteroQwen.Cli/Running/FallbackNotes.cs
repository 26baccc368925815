using System.Text.Json;
using HeteroQwen.Runtime;

namespace HeteroQwen.Cli;

/// <summary>The fallback ledger: on standard error and in JSON.</summary>
internal static class FallbackNotes
{
    public static void Write(Ledger ledger)
    {
        foreach (LedgerRow row in ledger.Rows)
        {
            string what = row.Count > 0
                ? $"{row.Op} x{row.Count} on the host, {row.FlopShare * 100:0.0} % of the work, {Units.Bytes(row.Bytes)} moved"
                : $"{row.Op}, {Units.Bytes(row.Bytes)}";
            Terminal.Note($"fallback: {what}: {row.Reason}");
        }

        if (ledger.KernelsFromResident is > 0 and var kernels)
        {
            Terminal.Note($"fallback: {Resident(kernels)}");
        }
    }

    public static string Resident(int kernels) => $"{kernels} {(kernels == 1 ? "kernel" : "kernels")} from resident";

    public static void WriteJson(Utf8JsonWriter json, Ledger ledger)
    {
        json.WriteStartArray("fallback");
        foreach (LedgerRow row in ledger.Rows)
        {
            json.WriteStartObject();
            json.WriteString("op", row.Op);
            json.WriteString("reason", row.Reason);
            json.WriteNumber("count", row.Count);
            json.WriteNumber("bytes", row.Bytes);
            json.WriteNumber("flop_share", row.FlopShare);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
