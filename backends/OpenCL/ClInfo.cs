using System.Text;
using Silk.NET.OpenCL;
using ClDeviceInfo = Silk.NET.OpenCL.DeviceInfo;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>Reads what platforms and devices say of themselves. A driver that does not answer gives the default.</summary>
internal sealed unsafe class ClInfo(CL cl)
{
    /// <summary>No name or list of extensions of an honest driver is longer.</summary>
    private const int MostBytes = 1 << 20;

    private delegate int Query(nuint size, void* to, nuint* needed);

    public string Text(nint device, ClDeviceInfo what) => Text((size, to, needed) => cl.GetDeviceInfo(device, what, size, to, needed));

    public string Text(nint platform, PlatformInfo what) => Text((size, to, needed) => cl.GetPlatformInfo(platform, what, size, to, needed));

    public T Value<T>(nint device, ClDeviceInfo what, T otherwise = default)
        where T : unmanaged
    {
        T value = default;
        return cl.GetDeviceInfo(device, what, (nuint)sizeof(T), &value, null) == ClErrors.Success ? value : otherwise;
    }

    private static string Text(Query query)
    {
        nuint size = 0;
        if (query(0, null, &size) != ClErrors.Success || size is 0 or > MostBytes)
        {
            return "";
        }

        byte[] bytes = new byte[size];
        fixed (byte* to = bytes)
        {
            return query(size, to, null) == ClErrors.Success ? Clean(bytes) : "";
        }
    }

    private static string Clean(byte[] bytes)
    {
        StringBuilder text = new();
        foreach (char c in Encoding.UTF8.GetString(bytes))
        {
            text.Append(char.IsControl(c) ? ' ' : c);
        }

        return text.ToString().Trim();
    }
}
