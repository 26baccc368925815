using System.Security.Cryptography;
using System.Text;
using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>
/// Programs by source file and build options, each compiled once for a device and kept on disk by source, options, device, driver and
/// platform. A binary that the driver refuses is built anew from the source.
/// </summary>
internal sealed unsafe class ProgramCache(CL cl, nint context, DeviceFacts facts, string label, BinaryStore? store) : IDisposable
{
    /// <summary>Comes before every file: loads, stores and reductions that all share.</summary>
    private const string Prelude = "prelude.cl";

    private const int MostLog = 4000;

    private readonly Dictionary<string, nint> _programs = new(StringComparer.Ordinal);

    /// <summary>The program of a file under these definitions, such as <c>-D W=q8_0</c>.</summary>
    /// <exception cref="StatusException">It cannot be built; the message shows the compiler's log.</exception>
    public nint Get(string file, string definitions)
    {
        string options = $"-cl-std=CL1.2 -w{(facts.DividesExactly ? " -cl-fp32-correctly-rounded-divide-sqrt" : "")} "
            + $"-D HAS_FMA={(facts.HasFma ? 1 : 0)} -D EXACT_DIVIDE={(facts.DividesExactly ? 1 : 0)} {definitions}".TrimEnd();
        string key = $"{file} {options}";
        if (!_programs.TryGetValue(key, out nint program))
        {
            program = FromDisk(file, options);
            program = program != 0 ? program : FromSource(file, options);
            _programs.Add(key, program);
        }

        return program;
    }

    public void Dispose()
    {
        foreach (nint program in _programs.Values)
        {
            cl.ReleaseProgram(program);
        }

        _programs.Clear();
    }

    internal static string Source(string file) => Resource(Prelude) + Resource(file);

    /// <summary>Name of the entry on disk.</summary>
    internal string KeyOf(string file, string options)
    {
        string text = string.Join('\0', Source(file), options, facts.Name, facts.Driver, facts.Platform);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    private static string Resource(string file)
    {
        using Stream stream = typeof(ProgramCache).Assembly.GetManifestResourceStream(file)
            ?? throw new StatusException(new(StatusCode.Internal, $"opencl: the source {file} is missing from the assembly"));
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private nint FromDisk(string file, string options)
    {
        byte[]? binary = store?.Read(KeyOf(file, options));
        if (binary is null)
        {
            return 0;
        }

        fixed (byte* bytes = binary)
        {
            nint device = facts.Device;
            nuint length = (nuint)binary.Length;
            int state;
            int error;
            nint program = cl.CreateProgramWithBinary(context, 1, &device, &length, &bytes, &state, &error);
            if (error != ClErrors.Success || state != ClErrors.Success || program == 0 || Build(program, options) != ClErrors.Success)
            {
                Release(program);
                return 0;
            }

            return program;
        }
    }

    private nint FromSource(string file, string options)
    {
        byte[] source = Encoding.UTF8.GetBytes(Source(file));
        fixed (byte* text = source)
        {
            nuint length = (nuint)source.Length;
            int error;
            nint program = cl.CreateProgramWithSource(context, 1, &text, &length, &error);
            if (error != ClErrors.Success || program == 0)
            {
                throw new StatusException(ClErrors.Of(error, $"{label}: creating the program {file}"));
            }

            error = Build(program, options);
            if (error != ClErrors.Success)
            {
                string log = Log(program);
                Release(program);
                throw new StatusException(ClErrors.Of(error, $"{label}: building {file} with {options} (compiler's log: {log})"));
            }

            Keep(program, KeyOf(file, options));
            return program;
        }
    }

    private int Build(nint program, string options)
    {
        byte[] text = Encoding.ASCII.GetBytes(options + '\0');
        nint device = facts.Device;
        fixed (byte* bytes = text)
        {
            return cl.BuildProgram(program, 1, &device, bytes, null, null);
        }
    }

    private string Log(nint program)
    {
        nuint size = 0;
        if (cl.GetProgramBuildInfo(program, facts.Device, ProgramBuildInfo.BuildLog, 0, null, &size) != ClErrors.Success || size == 0)
        {
            return "none";
        }

        byte[] log = new byte[Math.Min(size, 1 << 20)];
        fixed (byte* bytes = log)
        {
            int error = cl.GetProgramBuildInfo(program, facts.Device, ProgramBuildInfo.BuildLog, (nuint)log.Length, bytes, null);
            string text = error == ClErrors.Success ? Encoding.UTF8.GetString(log).TrimEnd('\0', '\n', ' ') : "none";
            return text.Length > MostLog ? text[..MostLog] + " ..." : text;
        }
    }

    /// <summary>Writes the driver's binary to disk; where there is none to be had, the next start compiles again.</summary>
    private void Keep(nint program, string key)
    {
        nuint size = 0;
        if (store is null || cl.GetProgramInfo(program, ProgramInfo.BinarySizes, (nuint)sizeof(nuint), &size, null) != ClErrors.Success
            || size is 0 or > (64 << 20))
        {
            return;
        }

        byte[] binary = new byte[size];
        fixed (byte* bytes = binary)
        {
            if (cl.GetProgramInfo(program, ProgramInfo.Binaries, (nuint)sizeof(nint), &bytes, null) == ClErrors.Success)
            {
                store.Write(key, binary);
            }
        }
    }

    private void Release(nint program)
    {
        if (program != 0)
        {
            cl.ReleaseProgram(program);
        }
    }
}
