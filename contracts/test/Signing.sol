// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {ISwarms} from "../src/ISwarms.sol";
import {Test, Vm} from "./Test.sol";

/// @notice Signs delegations, consents, attestations and votes. The EIP-712 hashes are written out here and
/// share no code with the contracts, so that a wrong type string in a contract makes a test fail.
abstract contract Signing is Test {
    function deployIdentity() internal returns (IIdentity) {
        return IIdentity(vm.deployCode("Identity.sol:Identity"));
    }

    /// @dev With one open swarm, number 0.
    function deployParticipation(IIdentity identity) internal returns (IParticipation participation) {
        ISwarms swarms = ISwarms(vm.deployCode("Swarms.sol:Swarms"));
        participation =
            IParticipation(vm.deployCode("Participation.sol:Participation", abi.encode(identity, swarms)));
        openSwarm(participation);
    }

    /// @dev The stages last 8, 5 and 7 seconds.
    function openSwarm(IParticipation participation) internal returns (uint64) {
        return participation.swarms().open("specification", 8, 5, 7);
    }

    function domainOf(address verifier) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Starling"),
                keccak256("1"),
                block.chainid,
                verifier
            )
        );
    }

    function typed(address verifier, bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainOf(verifier), structHash));
    }

    function delegationDigest(address verifier, IIdentity.Delegation memory d)
        internal
        view
        returns (bytes32)
    {
        return typed(
            verifier,
            keccak256(
                abi.encode(
                    keccak256(
                        "Delegation(address owner,address sessionKey,bytes32 peerId,uint32 scope,uint64 validUntil,uint32 epoch,uint32 nonce,address replaces)"
                    ),
                    d.owner,
                    d.sessionKey,
                    d.peerId,
                    d.scope,
                    d.validUntil,
                    d.epoch,
                    d.nonce,
                    d.replaces
                )
            )
        );
    }

    function consentDigest(address verifier, IIdentity.Delegation memory d) internal view returns (bytes32) {
        return typed(
            verifier,
            keccak256(
                abi.encode(
                    keccak256(
                        "SessionConsent(address owner,uint32 scope,uint64 validUntil,uint32 epoch,uint32 nonce)"
                    ),
                    d.owner,
                    d.scope,
                    d.validUntil,
                    d.epoch,
                    d.nonce
                )
            )
        );
    }

    function endDigest(address verifier, address owner, uint32 epoch, uint32 nonce)
        internal
        view
        returns (bytes32)
    {
        return typed(
            verifier,
            keccak256(
                abi.encode(
                    keccak256("SessionEnd(address owner,uint32 epoch,uint32 nonce)"), owner, epoch, nonce
                )
            )
        );
    }

    function attestationDigest(address verifier, uint64 swarm, uint64 round, bytes32 root, bytes32 digest)
        internal
        view
        returns (bytes32)
    {
        return typed(
            verifier,
            keccak256(
                abi.encode(
                    keccak256(
                        "Attestation(uint64 swarm,uint64 round,bytes32 checkpointRoot,bytes32 rolloutDigest)"
                    ),
                    swarm,
                    round,
                    root,
                    digest
                )
            )
        );
    }

    function voteDigest(address verifier, uint64 swarm, uint64 round, address[] memory winners)
        internal
        view
        returns (bytes32)
    {
        bytes memory words;
        for (uint256 i; i < winners.length; ++i) {
            words = abi.encodePacked(words, abi.encode(winners[i]));
        }
        return typed(
            verifier,
            keccak256(
                abi.encode(
                    keccak256("Vote(uint64 swarm,uint64 round,address[] winners)"),
                    swarm,
                    round,
                    keccak256(words)
                )
            )
        );
    }

    function sign65(uint256 privateKey, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }

    function sign64(uint256 privateKey, bytes32 digest) internal pure returns (bytes32 r, bytes32 vs) {
        uint8 v;
        bytes32 s;
        (v, r, s) = vm.sign(privateKey, digest);
        vs = bytes32(uint256(s) | (uint256(v - 27) << 255));
    }

    /// @dev For swarm 0.
    function signedAttestation(
        address verifier,
        uint256 privateKey,
        uint64 round,
        bytes32 root,
        bytes32 digest
    ) internal view returns (IParticipation.SignedAttestation memory) {
        return signedAttestation(verifier, privateKey, 0, round, root, digest);
    }

    function signedAttestation(
        address verifier,
        uint256 privateKey,
        uint64 swarm,
        uint64 round,
        bytes32 root,
        bytes32 digest
    ) internal view returns (IParticipation.SignedAttestation memory entry) {
        entry.device = vm.addr(privateKey);
        entry.checkpointRoot = root;
        entry.rolloutDigest = digest;
        (entry.r, entry.vs) = sign64(privateKey, attestationDigest(verifier, swarm, round, root, digest));
    }

    /// @dev For swarm 0.
    function signedVote(address verifier, uint256 privateKey, uint64 round, address[] memory winners)
        internal
        view
        returns (IParticipation.SignedVote memory)
    {
        return signedVote(verifier, privateKey, 0, round, winners);
    }

    function signedVote(
        address verifier,
        uint256 privateKey,
        uint64 swarm,
        uint64 round,
        address[] memory winners
    ) internal view returns (IParticipation.SignedVote memory entry) {
        entry.device = vm.addr(privateKey);
        entry.round = round;
        entry.winners = winners;
        (entry.r, entry.vs) = sign64(privateKey, voteDigest(verifier, swarm, round, winners));
    }

    /// @dev A delegation with every scope for thirty days, in the owner's current epoch, newer than the one
    /// that the device has. It replaces no device and is not signed yet.
    function delegation(IIdentity identity, address owner, uint256 deviceKey)
        internal
        returns (IIdentity.Delegation memory d, bytes32 x, bytes32 y)
    {
        (x, y) = publicKey(deviceKey);
        (address device, bytes32 peerId) = identity.derive(x, y);
        d = IIdentity.Delegation({
            owner: owner,
            sessionKey: device,
            peerId: peerId,
            scope: 3,
            validUntil: uint64(block.timestamp + 30 days),
            epoch: identity.epochOf(owner),
            nonce: identity.bindingOf(device).nonce + 1,
            replaces: address(0)
        });
    }

    function bindDevice(IIdentity identity, uint256 ownerKey, uint256 deviceKey)
        internal
        returns (address device)
    {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) =
            delegation(identity, vm.addr(ownerKey), deviceKey);
        postBinding(identity, ownerKey, deviceKey, d, x, y);
        return d.sessionKey;
    }

    /// @dev Signs a delegation with both keys and posts it.
    function postBinding(
        IIdentity identity,
        uint256 ownerKey,
        uint256 deviceKey,
        IIdentity.Delegation memory d,
        bytes32 x,
        bytes32 y
    ) internal {
        bytes memory signature = sign65(ownerKey, delegationDigest(address(identity), d));
        identity.bind(x, y, d, signature, sign65(deviceKey, consentDigest(address(identity), d)));
    }

    function publicKey(uint256 privateKey) internal returns (bytes32 x, bytes32 y) {
        Vm.Wallet memory wallet = vm.createWallet(privateKey);
        return (bytes32(wallet.publicKeyX), bytes32(wallet.publicKeyY));
    }
}
