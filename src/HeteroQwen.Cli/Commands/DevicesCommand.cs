using System.CommandLine;
using HeteroQwen.Backends;

namespace HeteroQwen.Cli;

/// <summary><c>devices</c>: what there is to compute on, and what is missing and why.</summary>
internal static class DevicesCommand
{
    public static (Command Command, string[] Examples) Create(Tool tool)
    {
        Option<bool> json = Arguments.Json();
        Option<string?> plugin = Arguments.Text("--plugin", "PATH[#CLASS]", "List the devices of this assembly's backend too");
        Command command = new("devices", "List the devices of every backend; an absent one with the reason.") { plugin, json };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(plugin) is { } path)
            {
                tool.Backends.AddPlugin(path);
            }

            if (parsed.GetValue(json))
            {
                WriteJson(tool);
            }
            else
            {
                WriteTable(tool);
            }

            return ExitCodes.Ok;
        });
        return (command, ["heteroqwen devices", "heteroqwen devices --json"]);
    }

    public static void WriteTable(Tool tool, string indent = "")
    {
        TextTable table = new("id", "name", "memory>", "available", "notes");
        foreach ((string id, _, DeviceInfo info) in tool.Backends.Devices())
        {
            string memory = info.MemoryBytes > 0 ? Units.Bytes(info.MemoryBytes) : "-";
            table.Add(id, info.Name, memory, info.Available ? "yes" : $"no: {info.Reason}", string.Join("; ", info.Notes));
        }

        table.Write(tool.Terminal, indent);
    }

    private static void WriteJson(Tool tool) => tool.Terminal.WriteJson(json =>
    {
        json.WriteStartArray();
        foreach ((string id, string backend, DeviceInfo info) in tool.Backends.Devices())
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("backend", backend);
            json.WriteString("name", info.Name);
            json.WriteBoolean("available", info.Available);
            json.WriteString("reason", info.Reason);
            json.WriteNumber("memory_bytes", info.MemoryBytes);
            json.WriteStrings("tiers", info.Tiers);
            json.WriteStrings("notes", info.Notes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
